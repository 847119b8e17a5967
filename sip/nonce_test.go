package sip

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func TestNonceIsOursAlone(t *testing.T) {
	m := newNonceMint()
	now := time.Unix(1_800_000_000, 0)
	text := m.mint(now, true)
	n, ok := m.open(text)
	if !ok || n.issued != now.Unix() || !n.second || n.seq == 0 {
		t.Fatalf("opened %+v, %v", n, ok)
	}
	if other := m.mint(now, true); other == text {
		t.Error("two nonces are the same")
	}
	for name, forged := range map[string]string{
		"empty":           "",
		"too short":       text[:nonceLen-1],
		"too long":        text + "A",
		"not base64":      strings.Repeat("!", nonceLen),
		"one bit changed": flip(text),
		"of another mint": newNonceMint().mint(now, true),
		"all the same":    strings.Repeat("A", nonceLen),
	} {
		if n, ok := m.open(forged); ok {
			t.Errorf("%s: opened as %+v", name, n)
		}
	}
}

func flip(s string) string {
	if s[3] == 'A' {
		return s[:3] + "B" + s[4:]
	}
	return s[:3] + "A" + s[4:]
}

// A window against a set of all counts that were used: nothing is accepted twice, and nothing within the last 64 is
// refused the first time.
func TestNonceWindowAgainstASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w nonceWindow
		used := map[uint32]bool{}
		var top uint32
		for i := range rapid.IntRange(1, 300).Draw(t, "requests") {
			back := rapid.IntRange(-70, 70).Draw(t, "offset")
			count := uint32(max(int(top)+back, 0))
			got := w.use(count, uint64(i+1), 1)
			switch {
			case count == 0 || used[count]:
				if got == nonceFresh {
					t.Fatalf("count %d accepted again", count)
				}
			case int(count) > int(top)-64:
				if got != nonceFresh {
					t.Fatalf("count %d refused at top %d", count, top)
				}
			default:
				if got == nonceFresh {
					t.Fatalf("count %d accepted, 64 or more below %d", count, top)
				}
			}
			if got == nonceFresh {
				used[count] = true
				top = max(top, count)
			}
		}
	})
}

func TestNonceUsesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 16 * 64
		u := newNonceUses(most, time.Hour)
		for seq := uint64(1); seq <= 50_000; seq++ {
			if got := u.use(seq, 1, seq, time.Now()); got != nonceFresh {
				t.Fatalf("nonce %d: %v", seq, got)
			}
		}
		if n := u.len(); n > most {
			t.Errorf("%d nonces remembered, at most %d allowed", n, most)
		}
		// What was forgotten is not good for another round.
		for seq := uint64(1); seq <= 50_000; seq++ {
			if u.use(seq, 1, seq+1_000_000, time.Now()) == nonceFresh {
				t.Fatalf("nonce %d was good twice", seq)
			}
		}
		time.Sleep(2*time.Hour + time.Second)
		for seq := uint64(60_000); seq < 60_032; seq++ { // two turns in each shard
			u.use(seq, 1, seq, time.Now())
		}
		time.Sleep(2 * time.Hour)
		for seq := uint64(60_032); seq < 60_064; seq++ {
			u.use(seq, 1, seq, time.Now())
		}
		if n := u.len(); n > 100 {
			t.Errorf("%d nonces remembered hours later", n)
		}
	})
}
