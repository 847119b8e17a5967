package gateway

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/party"
)

// dialer calls by a function; whatever is asked for may be called.
type dialer func(ctx context.Context, target string) (*party.Party, directory.Caller, error)

func (d dialer) Check(*directory.User, string) error { return nil }

func (d dialer) DialOut(ctx context.Context, _ *directory.Space, _ *directory.User, target string, _ func(int)) (*party.Party, directory.Caller, error) {
	return d(ctx, target)
}

// outcalling is a gateway on the demo's directory, and the ref of a space there.
func outcalling(t *testing.T, d Dialer) (*Gateway, string) {
	t.Helper()
	dir, err := directory.New(sitefile.Demo())
	if err != nil {
		t.Fatal(err)
	}
	return New(Config{Directory: directory.NewLive(dir), Dialer: d, Log: slog.New(slog.DiscardHandler)}), dir.Spaces()[0].Ref
}

// TestPanicEndsItsOutcallOnly breaks one call of a space: it has failed, its seat is free, and the next call is made.
func TestPanicEndsItsOutcallOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := errors.New("busy")
		g, space := outcalling(t, dialer(func(_ context.Context, target string) (*party.Party, directory.Caller, error) {
			if target == "203" {
				panic("broken")
			}
			return nil, directory.Caller{}, busy
		}))
		for _, to := range []string{"203", "202"} {
			if _, err := g.Call(t.Context(), space, to); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		for _, o := range g.Outcalls(space) {
			if o.State != OutcallFailed || o.Code != 500 || !o.Over() || o.Participant != "" {
				t.Errorf("%+v", o)
			}
		}
		if n := g.Participants(); n != 0 {
			t.Errorf("%d seats taken", n)
		}
		g.Shutdown(t.Context())
	})
}

// TestShutdownCancelsOutcalls takes back what rings when the server shuts down, and begins nothing any more.
func TestShutdownCancelsOutcalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, space := outcalling(t, dialer(func(ctx context.Context, _ string) (*party.Party, directory.Caller, error) {
			<-ctx.Done()
			return nil, directory.Caller{}, context.Cause(ctx)
		}))
		if _, err := g.Call(t.Context(), space, ""); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		g.Drain()
		if _, err := g.Call(t.Context(), space, ""); !errors.Is(err, ErrDraining) {
			t.Errorf("during the drain: %v", err)
		}
		g.Shutdown(t.Context())
		if all := g.Outcalls(space); len(all) != 1 || all[0].State != OutcallFailed || g.Participants() != 0 {
			t.Errorf("after the shutdown: %+v, %d seats", all, g.Participants())
		}
	})
}

// TestOutcallsAreForgotten keeps what is over for ten minutes.
func TestOutcallsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, space := outcalling(t, dialer(func(context.Context, string) (*party.Party, directory.Caller, error) {
			return nil, directory.Caller{}, ErrUnconfirmed
		}))
		o, err := g.Call(t.Context(), space, "")
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, err := g.RetryOutcall(t.Context(), space, o.ID); err != nil {
			t.Errorf("retry: %v", err)
		}
		time.Sleep(outcallMemory + time.Second)
		if all := g.Outcalls(space); len(all) != 0 {
			t.Errorf("still known: %+v", all)
		}
		if _, err := g.RetryOutcall(t.Context(), space, o.ID); !errors.Is(err, ErrNoOutcall) {
			t.Errorf("retry of what is forgotten: %v", err)
		}
		if err := g.EndOutcall(t.Context(), space, o.ID); !errors.Is(err, ErrNoOutcall) {
			t.Errorf("end of what is forgotten: %v", err)
		}
	})
}
