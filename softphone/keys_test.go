package softphone

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"passerelle/internal/memnet"
)

// eventPacket is a telephone-event packet seen on the network.
type eventPacket struct {
	seq      uint16
	ts       uint32
	marker   bool
	event    byte
	end      bool
	duration uint16
}

// tapEvents records Alice's telephone-events.
func tapEvents(p *pair) *[]eventPacket {
	var seen []eventPacket
	p.net.OnPacket(func(k memnet.Packet) memnet.Verdict {
		h, payload, ok := parseRTP(k.Payload)
		if ok && k.Src.Addr() == aliceAddr.Addr() && h.pt == 101 && len(payload) == 4 {
			seen = append(seen, eventPacket{h.seq, h.ts, h.marker, payload[0], payload[1]&0x80 != 0, binary.BigEndian.Uint16(payload[2:])})
		}
		return memnet.Pass()
	})
	return &seen
}

func TestEventsOnTheWire(t *testing.T) {
	bubble(t, func(p *pair) {
		t := p.t
		near, far := p.call(InviteOptions{}, InviteOptions{})
		time.Sleep(100 * time.Millisecond)
		seen := tapEvents(p)
		start := time.Now()
		if err := near.SendDigits(t.Context(), "1#", DigitOptions{On: 60 * time.Millisecond, Gap: 40 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d < 180*time.Millisecond || d > 220*time.Millisecond {
			t.Errorf("two digits of 100 ms took %s", d)
		}
		got := *seen
		if len(got) != 10 {
			t.Fatalf("%d event packets, want 2 x (2 updates and 3 ends): %+v", len(got), got)
		}
		for i, e := range got {
			step := i % 5
			want := eventPacket{
				seq: got[0].seq + uint16(i), ts: got[0].ts + uint32(i/5*800), marker: step == 0, event: []byte{1, 11}[i/5],
				end: step >= 2, duration: uint16(160 * min(step+1, 3)),
			}
			if e != want {
				t.Errorf("packet %d: %+v, want %+v", i, e, want)
			}
		}
		time.Sleep(100 * time.Millisecond)
		if s := far.Stats(); s.Events != 10 || s.Lost != 0 {
			t.Errorf("received %+v", s)
		}
		_ = near.Bye(t.Context())
	})
}

func TestEventsMisbehave(t *testing.T) {
	bubble(t, func(p *pair) {
		t := p.t
		near, far := p.call(InviteOptions{}, InviteOptions{})
		time.Sleep(50 * time.Millisecond) // a stream begins with audio, or its first loss is not seen
		seen := tapEvents(p)
		o := DigitOptions{
			On: 60 * time.Millisecond, Gap: 40 * time.Millisecond, NoMarker: true, Ends: 1,
			Lose: func(n int) bool { return n == 0 }, Swap: func(n int) bool { return n == 1 },
		}
		if err := near.SendDigits(t.Context(), "5", o); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range *seen {
			got = append(got, fmt.Sprint(e.duration, e.end, e.marker))
		}
		if want := []string{"480 true false", "320 false false"}; !slices.Equal(got, want) {
			t.Errorf("sent %q, want %q", got, want)
		}
		*seen = nil
		o = DigitOptions{Ends: -1, Swap: func(n int) bool { return n == 4 }} // the last update is swapped with nothing
		if err := near.SendDigits(t.Context(), "5", o); err != nil {
			t.Fatal(err)
		}
		for _, e := range *seen {
			if e.end {
				t.Errorf("end packet %+v", e)
			}
		}
		if n := len(*seen); n != 5 {
			t.Errorf("%d packets, want 5 updates", n)
		}
		time.Sleep(time.Second)
		if s := far.Stats(); s.Lost != 1 || s.Reordered != 2 { // the swapped last one comes behind the silence after it
			t.Errorf("lost %d, reordered %d", s.Lost, s.Reordered)
		}
		_ = near.Bye(t.Context())
	})
}

func TestInBandDigits(t *testing.T) {
	bubble(t, func(p *pair) {
		t := p.t
		near, far := p.call(InviteOptions{NoEvents: true}, InviteOptions{})
		if err := near.SendDigits(t.Context(), "1", DigitOptions{}); !errors.Is(err, ErrNoEvents) {
			t.Errorf("events without telephone-event: %v", err)
		}
		done := make(chan error, 1)
		go func() { // ends with its digit
			done <- near.SendDigits(t.Context(), "D", DigitOptions{Method: InBand, On: time.Second})
		}()
		time.Sleep(900 * time.Millisecond)
		l := far.Heard(500*time.Millisecond).Levels(941, 1633, 1477)
		if l[0] < rowLevel-1 || l[1] < columnLevel-1 || l[2] > -60 {
			t.Errorf("key D at %.1f", l)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		_ = near.Bye(t.Context())
	})
}

func TestInfoDigits(t *testing.T) {
	bubble(t, func(p *pair) {
		t := p.t
		near, far := p.call(InviteOptions{}, InviteOptions{})
		seen := tapEvents(p)
		if err := near.SendDigits(t.Context(), "4*", DigitOptions{Method: InfoRelay}); err != nil {
			t.Fatal(err)
		}
		if len(*seen) != 0 {
			t.Error("events besides INFO")
		}
		if err := near.SendDigits(t.Context(), "7", DigitOptions{Method: RFC4733 | Info | InfoRelay}); err != nil {
			t.Fatal(err)
		}
		if len(*seen) == 0 {
			t.Error("no events besides INFO")
		}
		var got []string
		for _, m := range far.Infos() {
			got = append(got, m.Header("Content-Type")+" "+strings.ReplaceAll(string(m.Body), "\r\n", " "))
		}
		want := []string{
			"application/dtmf-relay Signal=4 Duration=100 ", "application/dtmf-relay Signal=* Duration=100 ",
			"application/dtmf-relay Signal=7 Duration=100 ", "application/dtmf 7",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
		p.bob.AnswerWith("INFO", 415)
		if err := near.SendDigits(t.Context(), "1", DigitOptions{Method: InfoRelay}); StatusOf(err) != 415 {
			t.Errorf("refused INFO: %v", err)
		}
		if err := near.SendDigits(t.Context(), "1x", DigitOptions{}); err == nil {
			t.Error("sent a key that no telephone has")
		}
		_ = near.Bye(t.Context())
	})
}

// TestAllMethodsAtOnce presses ten keys within a second by everything there is.
func TestAllMethodsAtOnce(t *testing.T) {
	bubble(t, func(p *pair) {
		t := p.t
		near, far := p.call(InviteOptions{}, InviteOptions{})
		time.Sleep(50 * time.Millisecond)
		seen := tapEvents(p)
		start := time.Now()
		o := DigitOptions{Method: RFC4733 | InBand | InfoRelay, On: 60 * time.Millisecond, Gap: 40 * time.Millisecond}
		if err := near.SendDigits(t.Context(), "0011223344", o); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d < 980*time.Millisecond || d > 1020*time.Millisecond {
			t.Errorf("ten keys took %s", d)
		}
		keys := map[uint32]byte{}
		for _, e := range *seen {
			keys[e.ts] = e.event
		}
		if len(keys) != 10 || len(far.Infos()) != 10 {
			t.Errorf("%d events, %d INFOs", len(keys), len(far.Infos()))
		}
		if s := far.Stats(); s.Lost != 0 || s.Received < 100 {
			t.Errorf("received %+v", s)
		}
		_ = near.Bye(t.Context())
	})
}
