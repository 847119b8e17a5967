package media

import (
	"passerelle/internal/memnet"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// sides makes sides without phones, for what is only described.
func sides(t *testing.T, n int, cfg SideConfig) []*Side {
	t.Helper()
	r := newRelay(t, memnet.New(), 40)
	out := make([]*Side, n)
	for i := range out {
		out[i] = r.NewSide(cfg)
		t.Cleanup(out[i].Close)
	}
	return out
}

func offered(t *testing.T, s *Side, sdp []byte) {
	t.Helper()
	if err := s.Offered(sdp); err != nil {
		t.Fatal(err)
	}
}

func offerOf(t *testing.T, s, from *Side) string {
	t.Helper()
	b, err := s.Offer(from)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func answeredBy(t *testing.T, s *Side, sdp []byte) {
	t.Helper()
	if err := s.Answered(sdp); err != nil {
		t.Fatal(err)
	}
}

func answerOf(t *testing.T, s, from *Side) string {
	t.Helper()
	b, err := s.Answer(from)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// bubble runs a test whose sides need no clock, in a bubble that sees their loops end.
func bubble(t *testing.T, test func(t *testing.T)) { t.Helper(); synctest.Test(t, test) }

// mediaLines are the m= lines of a description with the ports made anonymous: 1 for one in use, 0 for none.
func mediaLines(t *testing.T, sdp string) []string {
	t.Helper()
	var out []string
	for line := range strings.SplitSeq(sdp, "\r\n") {
		if rest, ok := strings.CutPrefix(line, "m="); ok {
			f := strings.Fields(rest)
			if f[1] != "0" {
				f[1] = "1"
			}
			out = append(out, strings.Join(f, " "))
		}
	}
	return out
}

func wantMedia(t *testing.T, sdp string, want ...string) {
	t.Helper()
	if got := mediaLines(t, sdp); !slices.Equal(got, want) {
		t.Errorf("media %q, want %q, in\n%s", got, want, sdp)
	}
}

// readable parses a description of ours.
func readable(t *testing.T, sdp []byte) *description {
	t.Helper()
	d, err := parseSDP(sdp)
	if err != nil {
		t.Fatalf("cannot be read: %v\n%s", err, sdp)
	}
	for i := range d.media {
		if m := d.relayMedia(i); m.port != 0 && m.addr.Addr() != serverAddr {
			t.Fatalf("names %v in\n%s", m.addr, sdp)
		}
	}
	return d
}
