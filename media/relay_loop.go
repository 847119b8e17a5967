package media

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// relayLoop moves the packets of some of the relayed calls. Its goroutine starts with the first side on it and ends with the
// last; it alone touches their streams meanwhile. Others send it commands, which never wait.
type relayLoop struct {
	log     *slog.Logger
	metrics *Metrics

	mu    sync.Mutex // guards what follows
	inbox []func(now time.Time)
	poll  relayPoller // nil while the loop does not run
	sides int

	// ---- owned by run ----
	watch   relayPoller
	streams []*stream
	playing []*stream
	removed []*stream // since the poller was last asked: what it said of them no longer counts
	pace    pacer
	chores  time.Time // the next
	buf     [maxDatagram + srtpOverhead]byte
}

// relayPoller waits for packets.
type relayPoller interface {
	// wait returns sockets that may have packets, after d at the latest or when woken. The slice is valid until the next call.
	wait(d time.Duration) []*relaySocket
	// reads is how many packets of one socket are read before the next one's.
	reads() int
	add(s *relaySocket) error
	remove(s *relaySocket)
	// wake may be called from any goroutine.
	wake()
	close()
}

// relayChores is how often the slow work of streams is looked at.
const relayChores = 500 * time.Millisecond

// join counts a side in, and starts the loop for the first one. conn tells what kind of sockets there are.
func (l *relayLoop) join(conn Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sides++
	if l.poll == nil {
		l.poll = newRelayPoller(conn)
		go l.run(l.poll) // ends when the last side has left
	}
}

// leave counts a side out after the commands before it.
func (l *relayLoop) leave() {
	l.post(func(time.Time) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.sides--
	})
}

// load is the number of sides.
func (l *relayLoop) load() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sides
}

// post has the loop execute f between two packets, in the order of the posts. The caller has joined the loop.
func (l *relayLoop) post(f func(now time.Time)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.poll == nil {
		return // whoever asks has left
	}
	l.inbox = append(l.inbox, f)
	if len(l.inbox) == 1 {
		l.poll.wake()
	}
}

// do is post that waits until f is done.
func (l *relayLoop) do(f func(now time.Time)) {
	done := make(chan struct{})
	l.post(func(now time.Time) {
		defer close(done)
		f(now)
	})
	<-done
}

// commands takes what was posted; ended reports that the last side has left.
func (l *relayLoop) commands(now time.Time) (ended bool) {
	l.mu.Lock()
	todo := l.inbox
	l.inbox = nil
	l.mu.Unlock()
	for _, f := range todo {
		l.guard(nil, func() { f(now) })
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sides > 0 || len(l.inbox) > 0 {
		return false
	}
	l.poll = nil
	return true
}

func (l *relayLoop) run(poll relayPoller) {
	defer poll.close()
	now := time.Now()
	l.watch = poll
	l.chores = now.Add(relayChores)
	for {
		wait := l.chores.Sub(now)
		if len(l.playing) > 0 {
			wait = min(wait, l.pace.next.Sub(now))
		}
		ready := poll.wait(wait)
		now = time.Now()
		if l.commands(now) {
			return
		}
		for _, k := range ready {
			if slices.Contains(l.removed, k.stream) { // it may be another loop's already
				continue
			}
			l.guard(k.stream, func() { l.read(k, poll.reads(), now) })
		}
		l.removed = l.removed[:0]
		l.tick(now)
	}
}

// guard ends the stream whose packet panics, and nothing else.
func (l *relayLoop) guard(s *stream, f func()) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		l.metrics.panics.WithLabelValues("relay").Inc()
		l.log.Error("relay panicked", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		if s != nil {
			l.silence(s)
		}
	}()
	f()
}

// read takes what waits in a socket.
func (l *relayLoop) read(k *relaySocket, most int, now time.Time) {
	s := k.stream
	for range most {
		if s.closed {
			return
		}
		n, src, ok := k.conn.TryRead(l.buf[:maxDatagram])
		if !ok {
			return
		}
		if k.control {
			s.report(l.buf[:n], src, now)
		} else {
			s.receive(l.buf[:n], src, now)
		}
	}
}

// tick does what is due.
func (l *relayLoop) tick(now time.Time) {
	if len(l.playing) > 0 && !now.Before(l.pace.next) {
		due := l.pace.due(now)
		for i := range due.frames {
			at := due.first.Add(time.Duration(i) * frameTime)
			l.each(&l.playing, func(s *stream) { s.play(at) })
		}
		l.each(&l.playing, func(s *stream) { l.tune(s, now) })
	}
	if !now.Before(l.chores) {
		l.chores = now.Add(relayChores)
		l.each(&l.streams, func(s *stream) { s.chores(now) })
	}
}

// each does f with every stream of a list, which may shrink meanwhile.
func (l *relayLoop) each(list *[]*stream, f func(*stream)) {
	for i := len(*list) - 1; i >= 0; i-- {
		if i < len(*list) {
			s := (*list)[i]
			l.guard(s, func() { f(s) })
		}
	}
}

// adopt takes a stream over, or what was newly negotiated for it.
func (l *relayLoop) adopt(s *stream, p *streamParams, now time.Time) {
	if s.closed {
		return
	}
	s.adopt(p, now)
	l.add(s)
	l.retune(s, now)
}

// add starts to read a stream.
func (l *relayLoop) add(s *stream) {
	if s.watched {
		return
	}
	s.watched = true
	l.removed = slices.DeleteFunc(l.removed, func(o *stream) bool { return o == s })
	l.streams = append(l.streams, s)
	for _, k := range []*relaySocket{&s.rtp, &s.rtcp} {
		if err := l.watch.add(k); err != nil {
			l.log.Error("media socket cannot be watched", "rtp_port", s.pair.port, "err", err)
		}
	}
}

// retune looks whether the stream and its partner have sound of ours to hear.
func (l *relayLoop) retune(s *stream, now time.Time) {
	l.tune(s, now)
	if s.partner != nil {
		l.tune(s.partner, now)
	}
}

// tune keeps the list of those that have sound of ours to hear.
func (l *relayLoop) tune(s *stream, now time.Time) {
	want := !s.closed && s.wantsTick()
	if want == s.playing {
		return
	}
	s.playing = want
	if !want {
		l.playing = slices.DeleteFunc(l.playing, func(o *stream) bool { return o == s })
		s.o.pause()
		return
	}
	if len(l.playing) == 0 {
		l.pace = pacer{next: now}
	}
	l.playing = append(l.playing, s)
}

// silence takes a stream out of everything, for good.
func (l *relayLoop) silence(s *stream) {
	s.closed = true
	s.plays.collect()
	s.plays.drop()
	t := s.partner
	s.join(nil, nil)
	if t != nil && t.partner == s {
		t.join(nil, nil)
		l.tune(t, time.Time{})
	}
	l.tune(s, time.Time{})
	l.remove(s)
}

// remove stops to read a stream.
func (l *relayLoop) remove(s *stream) {
	if !s.watched {
		return
	}
	s.watched = false
	l.removed = append(l.removed, s)
	l.streams = slices.DeleteFunc(l.streams, func(o *stream) bool { return o == s })
	l.watch.remove(&s.rtp)
	l.watch.remove(&s.rtcp)
}
