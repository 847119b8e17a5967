package main

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/softphone"
)

// racers are the calls of a race for seats.
type racers struct {
	mu    sync.Mutex
	calls []*softphone.Call
}

func (r *racers) add(c *softphone.Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, c)
}

// up gives those that are up.
func (r *racers) up() []*softphone.Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	var up []*softphone.Call
	for _, c := range r.calls {
		select {
		case <-c.Done():
		default:
			up = append(up, c)
		}
	}
	return up
}

// TestFifteenSeatsUnderRace lets callers by space URI, callers who type the ID, calls of the space itself and wishes by REFER race for
// the seats of one space, again and again: never more than fifteen are taken, fifteen sit in the end, everybody else is away, and
// those who leave make room for as many.
func TestFifteenSeatsUnderRace(t *testing.T) {
	e := sitefile.Demo()
	for _, u := range e.Sites[0].Users {
		u.Limits = directory.Limits{}
	}
	for range 2 {
		inWorldOf(t, e, func(w *world) {
			carrier := w.carrier()
			all := &racers{}
			over := make(chan struct{})
			var answering sync.WaitGroup
			answering.Go(func() { // whoever is called outside answers and presses the key; ends with the race
				for {
					select {
					case <-over:
						return
					case in := <-carrier.calls:
						answering.Go(func() {
							c, err := in.Answer(w.t.Context(), softphone.InviteOptions{})
							if err != nil {
								return // given up
							}
							all.add(c)
							time.Sleep(500 * time.Millisecond)
							_ = c.SendDigits(w.t.Context(), "1", softphone.DigitOptions{}) // it may be over
						})
					}
				}
			})
			watching := make(chan struct{})
			go func() {
				defer close(watching)
				for {
					if n := w.house.gateway.Participants(); n > directory.MaxParticipants {
						t.Errorf("%d seats taken", n)
					}
					select {
					case <-over:
						return
					case <-time.After(time.Millisecond):
					}
				}
			}()
			phone := w.camille()
			asker := w.enter(w.phone("+33170001202", "pB-91aa37"), aliceSpace)
			all.add(asker)
			time.Sleep(time.Second)
			race := func(n int) {
				var typing []*softphone.Call
				for range n {
					c := w.invite(carrier.Phone, "sip:+33170001000@192.0.2.10", softphone.InviteOptions{})
					w.types(c, aliceSpace[:10], softphone.DigitOptions{On: 50 * time.Millisecond, Gap: 50 * time.Millisecond})
					typing = append(typing, c)
					all.add(c)
				}
				time.Sleep(time.Second)
				var racing sync.WaitGroup
				start := func(f func()) {
					racing.Go(func() {
						time.Sleep(time.Duration(rand.IntN(150)) * time.Millisecond)
						f()
					})
				}
				for _, c := range typing {
					start(func() {
						_ = c.SendDigits(w.t.Context(), aliceSpace[10:], softphone.DigitOptions{On: 50 * time.Millisecond})
					})
				}
				for range n {
					start(func() {
						if c, err := phone.Invite(w.t.Context(), gatewayURI+";space="+aliceSpace, softphone.InviteOptions{}); err == nil {
							all.add(c)
						} else if got := softphone.StatusOf(err); got != 486 {
							t.Errorf("a caller by URI is told %s", statusError(got))
						}
					})
					start(func() { _, _ = w.house.gateway.Call(w.t.Context(), w.aliceRef(), "0612345678") })
				}
				start(func() { _ = asker.Refer(w.t.Context(), "sip:0612345678@paris.acme.test") })
				racing.Wait()
				time.Sleep(40 * time.Second) // calls are confirmed, whoever came too late has heard so
				sit := 0
				for _, p := range w.house.gateway.Bridges()[0].Participants {
					if !p.Joining {
						sit++
					}
				}
				if up := len(all.up()); sit != directory.MaxParticipants || up != sit {
					t.Errorf("%d sit and %d calls are up, want 15", sit, up)
				}
			}
			race(6)
			left := 0
			for _, c := range all.up() {
				if c != asker && left < 7 {
					left++
					w.bye(c)
				}
			}
			w.participants(directory.MaxParticipants - left)
			race(4)
			w.meet(all.up()[:4]...)
			close(over)
			<-watching
			answering.Wait()
			if err := w.house.gateway.EndBridge(w.t.Context(), w.aliceRef()); err != nil {
				t.Error(err)
			}
			for _, c := range all.up() {
				w.gone(c, time.Second)
			}
		})
	}
}
