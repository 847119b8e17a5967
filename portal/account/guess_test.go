package account

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"passerelle/directory"
)

func TestGuessingOneAddress(t *testing.T) {
	w := newWorld(t)
	for _, email := range []string{alice, "nobody@acme.test"} { // the same for an address that is nobody's
		b := w.browser()
		b.from = "192.0.2.50:1"
		for i := range triesOfBoth {
			if _, err := b.signIn(t, email, fmt.Sprint("guess", i)); !errors.Is(err, ErrDenied) {
				t.Fatal(i, err)
			}
		}
		if _, err := b.signIn(t, email, alicePassword); !errors.Is(err, ErrTooManyTries) {
			t.Errorf("%s: try %d: %v", email, triesOfBoth+1, err)
		}
	}
	elsewhere := w.browser()
	if _, err := elsewhere.signIn(t, alice, alicePassword); err != nil {
		t.Error("a guesser shuts the owner of the address out:", err)
	}
}

func TestSprayingManyAddresses(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for i := range triesOfSource {
		if _, err := b.signIn(t, fmt.Sprintf("user%d@acme.test", i), "Autumn2026!"); !errors.Is(err, ErrDenied) {
			t.Fatal(i, err)
		}
	}
	if _, err := b.signIn(t, alice, alicePassword); !errors.Is(err, ErrTooManyTries) {
		t.Errorf("the spray goes on: %v", err)
	}
}

func TestRightPasswordsAreNoGuesses(t *testing.T) {
	b := newWorld(t).browser()
	for i := range triesOfBoth + 2 {
		if _, err := b.signIn(t, alice, alicePassword); err != nil {
			t.Fatal(i, err)
		}
	}
}

func TestLimiterForgets(t *testing.T) {
	l, now := newLimiter(), time.Now()
	k := limit{"k", 2}
	for _, c := range []struct {
		after time.Duration
		wait  time.Duration
	}{{0, 0}, {time.Minute, 0}, {2 * time.Minute, tryWindow - 2*time.Minute}, {tryWindow, 0}, {tryWindow + time.Second, time.Minute - time.Second}} {
		if got := l.take(now.Add(c.after), k); got != c.wait {
			t.Errorf("after %v: wait %v, want %v", c.after, got, c.wait)
		}
	}
	for i := range maxTriers + 2 {
		l.take(now.Add(time.Duration(i)), limit{fmt.Sprint(i), 9})
	}
	if n := l.tries.Len(); n > maxTriers {
		t.Errorf("remembers %d", n)
	}
	if l.take(now, limit{fmt.Sprint(maxTriers + 1), 1}) == 0 {
		t.Error("the latest try was forgotten")
	}
}

func TestSource(t *testing.T) {
	for _, c := range []struct{ remote, forwarded, want string }{
		{"192.0.2.7:1", "", "192.0.2.7"},
		{"192.0.2.7:1", "203.0.113.9", "192.0.2.7"}, // a stranger's word
		{"127.0.0.1:1", "203.0.113.9", "203.0.113.9"},
		{"127.0.0.1:1", "10.0.0.1, 203.0.113.9", "203.0.113.9"},
		{"127.0.0.1:1", "nonsense", "127.0.0.1"},
		{"[2001:db8:1:2:3:4:5:6]:1", "", "2001:db8:1:2::/64"},
		{"[::ffff:192.0.2.7]:1", "", "192.0.2.7"},
		{"@", "", "local"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := Source(r); got != c.want {
			t.Errorf("%s, forwarded for %q: %s, want %s", c.remote, c.forwarded, got, c.want)
		}
	}
}

// TestTOTPVectors are those of RFC 6238 appendix B for SHA-1, of which we use the last six digits.
func TestTOTPVectors(t *testing.T) {
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := totpCode([]byte("12345678901234567890"), totpStep(time.Unix(at, 0))); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

func TestTOTPSkewAndReuse(t *testing.T) {
	key := NewTOTPKey()
	raw, err := base32Key.DecodeString(key.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	step := totpStep(now)
	for _, c := range []struct {
		code  string
		after int64
		ok    bool
	}{
		{totpCode(raw, step), 0, true},
		{totpCode(raw, step)[:3] + " " + totpCode(raw, step)[3:], 0, true},
		{totpCode(raw, step-1), 0, true},
		{totpCode(raw, step+1), 0, true},
		{totpCode(raw, step-2), 0, false},
		{totpCode(raw, step+2), 0, false},
		{totpCode(raw, step), step, false},
		{totpCode(raw, step-1), step, false},
		{"", 0, false},
	} {
		if _, ok := checkTOTP(key, c.code, c.after, now); ok != c.ok {
			t.Errorf("%q after %d: %v", c.code, c.after-step, ok)
		}
	}
	if _, ok := checkTOTP(directory.Secret(""), totpCode(nil, step), 0, now); ok {
		t.Error("an account without a key takes a code")
	}
}
