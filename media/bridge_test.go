package media

import (
	"strings"
	"testing"
	"time"

	"passerelle/internal/memnet"
	"passerelle/media/mediatest"
)

// memTrio is a bridge of three: PCMU, PCMA, PCMU.
func memTrio(t *testing.T, cfg MixerConfig) *memBridge {
	n := memnet.New()
	ports := memPorts(t, n, 8)
	return newMemBridge(t, cfg,
		newMemLeg(t, n, ports, "198.51.100.20:4000", PCMU, 700),
		newMemLeg(t, n, ports, "198.51.100.21:4000", PCMA, 1100),
		newMemLeg(t, n, ports, "198.51.100.22:4000", PCMU, 1700),
	)
}

// Any packet time is taken, and the offered one is sent.
func TestPtimes(t *testing.T) {
	for _, ptime := range []int{10, 20, 30, 40, 50, 60} {
		b := memTrio(t, MixerConfig{})
		l := b.legs[0]
		l.ptime = ptime
		l.offer(l.conn.LocalAddrPort(), "a=ptime:"+itoa(ptime))
		b.run(2 * time.Second)
		b.wantHeard()
		for i, p := range l.packets {
			if len(p.payload) != ptime*8 {
				t.Fatalf("ptime %d: packet of %d bytes", ptime, len(p.payload))
			}
			if i > 0 && (p.seq != l.packets[i-1].seq+1 || p.ts != l.packets[i-1].ts+uint32(ptime*8) || p.marker) {
				t.Fatalf("ptime %d: packet %d does not follow: %+v after %+v", ptime, i, p, l.packets[i-1])
			}
		}
	}
}

func itoa(n int) string { return string(rune('0'+n/10)) + string(rune('0'+n%10)) }

// A phone may send several payload types, change packet times and mix in comfort noise.
func TestMixedPayloadsInOneStream(t *testing.T) {
	b := memTrio(t, MixerConfig{})
	l := b.legs[0]
	i := 0
	for range 100 {
		b.step(func(o *memLeg) {
			if o != l {
				o.talk()
				return
			}
			i++
			l.law = []Codec{PCMU, PCMA}[i/7%2]
			defer func() { l.law = PCMU }()
			switch i % 4 {
			case 0: // two of 10 ms
				l.ptime = 10
				l.talk()
				l.talk()
			case 1: // one of 40 ms for the next two ticks
				l.ptime = 40
				l.talk()
			case 2:
				l.send(13, []byte{60})
			default:
				l.ptime = 20
				l.talk()
			}
		})
	}
	b.wantHeard()
	if st := l.s.in.jitter.stats; st.concealed > 0 || st.late > 0 {
		t.Errorf("%+v of a complete stream", st)
	}
}

// Hold in both forms: the leg that holds is neither mixed in, for its music, nor sent to; then it is as before.
func TestHold(t *testing.T) {
	for _, hold := range []string{"a=sendonly", "a=inactive", "c=0.0.0.0"} {
		b := memTrio(t, MixerConfig{})
		l := b.legs[0]
		b.run(time.Second)
		b.wantHeard()
		at := l.conn.LocalAddrPort()
		if strings.HasPrefix(hold, "c=") {
			l.offerRaw(strings.Replace(l.sdp(at), at.Addr().String(), "0.0.0.0", 1))
		} else {
			l.offer(at, hold)
		}
		b.run(20 * time.Millisecond)
		l.forget()
		b.run(1100 * time.Millisecond)
		if len(l.packets) > 0 {
			t.Errorf("%s: %d packets sent to who holds", hold, len(l.packets))
		}
		for _, o := range b.legs[1:] {
			if db := o.level(l.tone, time.Second); db > mediatest.SilentDB {
				t.Errorf("%s: hold music heard at %.1f dB", hold, db)
			}
		}
		if st := l.s.State(); !st.Held || st.PeerMaySend {
			t.Errorf("%s: state %+v", hold, st)
		}
		before := l.s.out
		l.offer(at)
		b.run(1200 * time.Millisecond)
		b.wantHeard()
		first := l.packets[0]
		if !first.marker || first.ssrc != before.ssrc || first.seq != before.seq {
			t.Errorf("%s: first packet after hold %+v, want a marker and the same stream from %d on", hold, first, before.seq)
		}
		if pause := first.ts - before.ts; pause < 1120*8 || pause > 1160*8 {
			t.Errorf("%s: timestamps went on by %d in 1.14 s", hold, pause)
		}
	}
}

// Who is muted is not heard and hears the others as before; the meter still tells that it speaks.
func TestMute(t *testing.T) {
	b := memTrio(t, MixerConfig{})
	l := b.legs[0]
	l.s.Mute(true)
	b.run(1200 * time.Millisecond)
	for _, o := range b.legs[1:] {
		if db := o.level(l.tone, time.Second); db > mediatest.SilentDB {
			t.Errorf("who is muted is heard at %.1f dB", db)
		}
		if db := l.level(o.tone, time.Second); db < mediatest.HeardDB {
			t.Errorf("who is muted hears %.1f dB", db)
		}
	}
	if st := l.s.State(); !st.Muted || !st.Talking {
		t.Errorf("muted: %+v", st)
	}
	l.s.Mute(false)
	b.run(1200 * time.Millisecond)
	b.wantHeard()
	if st := l.s.State(); st.Muted {
		t.Errorf("heard again: %+v", st)
	}
}

// A leg that only listens, or whose peer only takes, is served by its direction.
func TestOneWay(t *testing.T) {
	b := memTrio(t, MixerConfig{})
	l := b.legs[0]
	l.offer(l.conn.LocalAddrPort(), "a=recvonly")
	b.run(1200 * time.Millisecond)
	for _, o := range b.legs[1:] {
		if db := l.level(o.tone, time.Second); db < mediatest.HeardDB {
			t.Errorf("who only listens hears %.1f dB", db)
		}
		if db := o.level(l.tone, time.Second); db > mediatest.SilentDB {
			t.Errorf("who only listens is heard at %.1f dB", db)
		}
	}
}

// One stream leaves a session, whatever mixers it goes through.
func TestOneStreamThroughMixers(t *testing.T) {
	b := memTrio(t, MixerConfig{Isolated: true})
	l := b.legs[0]
	b.run(time.Second)
	if db := l.level(1100, time.Second/2); db > mediatest.SilentDB {
		t.Errorf("legs of a lobby hear each other: %.1f dB", db)
	}
	last := l.packets[len(l.packets)-1]
	if err := b.m.detach(l.s); err != nil {
		t.Fatal(err)
	}
	l.forget()
	other := newMemBridge(t, MixerConfig{}, l)
	other.now = b.now.Add(13 * time.Millisecond) // of another phase
	other.run(time.Second)
	first := l.packets[0]
	if first.ssrc != last.ssrc || first.seq != last.seq+1 {
		t.Errorf("%+v after %+v is another stream", first, last)
	}
	if !first.marker || first.ts != last.ts+160+13*8 {
		t.Errorf("timestamp %d after 33 ms, marker %v; want %d and a marker", first.ts-last.ts, first.marker, 160+13*8)
	}
}

// Digits are told once and are not heard, and speech is whole around them.
func TestEventsInTheBridge(t *testing.T) {
	b := memTrio(t, MixerConfig{})
	l := b.legs[0]
	var keys []byte
	l.s.OnDigit(func(d Digit) { keys = append(keys, d.Key) })
	b.run(time.Second)
	for range 3 { // three keys of 100 ms with 100 ms of speech between
		for k := range 5 {
			b.step(func(o *memLeg) {
				if o != l {
					o.talk()
					return
				}
				end := byte(0)
				if k == 4 {
					end = 0x80
				}
				l.send(101, []byte{5, end | 10, byte((k + 1) * 160 >> 8), byte((k + 1) * 160)})
			})
		}
		l.ts += 5 * 160
		b.run(100 * time.Millisecond)
	}
	b.run(1200 * time.Millisecond)
	b.wantHeard()
	if string(keys) != "555" {
		t.Errorf("%d digits told, want 3", len(keys))
	}
}

// Keys in the sound are heard in a lobby and nowhere else.
func TestInBandDigits(t *testing.T) {
	for _, isolated := range []bool{true, false} {
		b := memTrio(t, MixerConfig{Isolated: isolated})
		l := b.legs[0]
		var keys []byte
		l.s.OnDigit(func(d Digit) {
			if d.Source != InBand {
				t.Errorf("a key from %v", d.Source)
			}
			keys = append(keys, d.Key)
		})
		b.run(200 * time.Millisecond)
		for range 4 {
			for tick := range 10 {
				b.step(func(o *memLeg) {
					pcm := make([]int16, 160)
					if o == l && tick < 5 { // the key 5 for 100 ms
						copy(pcm, mediatest.Tone(770, 5000, 8000, tick*160, 160))
						for i, v := range mediatest.Tone(1336, 5000, 8000, tick*160, 160) {
							pcm[i] += v
						}
					}
					payload := make([]byte, 160)
					encodeG711(o.law, payload, pcm)
					o.send(o.pt(), payload)
					o.ts += 160
				})
			}
		}
		want := ""
		if isolated {
			want = "5555"
		}
		if string(keys) != want {
			t.Errorf("isolated %v: %d keys told", isolated, len(keys))
		}
	}
}

// What is played to one replaces what the others say, or is added to it, in order, and its end is told.
func TestPlayback(t *testing.T) {
	b := memTrio(t, MixerConfig{})
	l, o := b.legs[0], b.legs[1]
	first := NewPlayback(mediatest.Tone(2300, toneAmp, 16000, 0, 16000))
	second := NewPlayback(mediatest.Tone(500, toneAmp, 16000, 0, 20000))
	second.Over = true
	l.s.Play(first)
	l.s.Play(second)
	b.run(time.Second)
	if !isDone(first) || isDone(second) {
		t.Errorf("after a second: first done %v, second done %v", isDone(first), isDone(second))
	}
	if db := l.level(2300, 800*time.Millisecond); db < -1 {
		t.Errorf("prompt heard at %.1f dB", db)
	}
	if db := l.level(o.tone, 800*time.Millisecond); db > mediatest.SilentDB {
		t.Errorf("others heard beside the prompt at %.1f dB", db)
	}
	if db := o.level(2300, 800*time.Millisecond); db > mediatest.SilentDB {
		t.Errorf("another leg hears the prompt at %.1f dB", db)
	}
	b.run(time.Second)
	if db := l.level(500, 800*time.Millisecond); db < -1 {
		t.Errorf("second prompt heard at %.1f dB", db)
	}
	b.wantHeard()
	b.run(260 * time.Millisecond)
	if !isDone(second) {
		t.Error("second prompt not done")
	}
	loop := NewPlayback(mediatest.Tone(2300, toneAmp, 16000, 0, 160))
	loop.Loop = true
	l.s.Play(loop)
	after := NewPlayback(mediatest.Tone(900, toneAmp, 16000, 0, 1600))
	l.s.Play(after)
	b.run(2 * time.Second)
	if db := l.level(2300, time.Second); db < -3 || isDone(loop) {
		t.Errorf("loop heard at %.1f dB, done %v", db, isDone(loop))
	}
	l.s.StopPlayback()
	b.run(1100 * time.Millisecond)
	if !isDone(loop) || !isDone(after) {
		t.Error("stopped playbacks are not done")
	}
	b.wantHeard()
}

func isDone(p *Playback) bool {
	select {
	case <-p.Done():
		return true
	default:
		return false
	}
}

// Announcements reach everybody over the speech; ten of one sound at once ring once.
func TestAnnounce(t *testing.T) {
	b := memTrio(t, MixerConfig{})
	b.run(time.Second)
	sound := NewSound(mediatest.Tone(2300, toneAmp, 16000, 0, 16000))
	var ps []*Playback
	for range 10 {
		p := sound.Playback()
		ps = append(ps, p)
		b.m.Announce(p)
	}
	b.run(time.Second)
	b.wantHeard()
	for i, l := range b.legs {
		if db := l.level(2300, 900*time.Millisecond); db < -1 || db > 1 {
			t.Errorf("leg %d hears the announcement at %.1f dB", i, db)
		}
		l.forget()
	}
	for i, p := range ps {
		if !isDone(p) {
			t.Errorf("announcement %d is not done", i)
		}
	}
	b.run(time.Second)
	for i, l := range b.legs {
		if db := l.level(2300, 900*time.Millisecond); db > mediatest.SilentDB {
			t.Errorf("leg %d hears a second announcement at %.1f dB", i, db)
		}
	}
}

// Who speaks is told, and forgotten when they stop.
func TestTalking(t *testing.T) {
	b := memTrio(t, MixerConfig{})
	b.legs[1].amp = 0
	b.run(time.Second)
	for i, want := range []bool{true, false, true} {
		if got := b.legs[i].s.State().Talking; got != want {
			t.Errorf("leg %d: talking %v", i, got)
		}
	}
	b.legs[0].amp = 0
	b.run(time.Second)
	if b.legs[0].s.State().Talking {
		t.Error("still talking after a second of silence")
	}
	b.legs[0].amp = toneAmp
	b.run(100 * time.Millisecond)
	if !b.legs[0].s.State().Talking {
		t.Error("not talking after 100 ms of speech")
	}
	for range 50 { // the line dies
		b.step(func(l *memLeg) {
			if l != b.legs[0] {
				l.talk()
			}
		})
	}
	if b.legs[0].s.State().Talking {
		t.Error("talking on a dead line")
	}
}
