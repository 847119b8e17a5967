package softphone

import (
	"bufio"
	"bytes"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// The reference points are those of another implementation, CPython's audioop.
func TestG711(t *testing.T) {
	for _, tt := range []struct {
		sample int16
		u, a   byte
	}{
		{0, 0xff, 0xd5}, {8, 0xfe, 0xd5}, {-8, 0x7e, 0x55}, {1000, 0xce, 0xfa}, {-1000, 0x4e, 0x7a},
		{32767, 0x80, 0xaa}, {-32768, 0x00, 0x2a}, {8100, 0x9f, 0x8a}, {-8100, 0x1f, 0x0a}, {8200, 0x9f, 0xb5}, {255, 0xe7, 0xda}, {-300, 0x64, 0x47},
	} {
		if got := PCMU.encode(nil, []int16{tt.sample})[0]; got != tt.u {
			t.Errorf("µ-law of %d: %#x, want %#x", tt.sample, got, tt.u)
		}
		if got := PCMA.encode(nil, []int16{tt.sample})[0]; got != tt.a {
			t.Errorf("A-law of %d: %#x, want %#x", tt.sample, got, tt.a)
		}
	}
	for _, c := range []Codec{PCMU, PCMA} {
		for code := range 256 {
			v := c.decode(nil, []byte{byte(code)})
			back := c.encode(nil, v)[0]
			if zeroes := c == PCMU && code == 0x7f && back == 0xff; back != byte(code) && !zeroes {
				t.Errorf("%s: %#x decodes to %d, which encodes to %#x", c, code, v[0], back)
			}
		}
		// 38 dB of signal to noise is what either law gives a loud sine.
		tone := make([]int16, SampleRate)
		Tone(-6, 1004).Read(tone)
		var noise, power float64
		for i, s := range c.decode(nil, c.encode(nil, tone)) {
			d := float64(s) - float64(tone[i])
			noise += d * d
			power += float64(tone[i]) * float64(tone[i])
		}
		if snr := 10 * math.Log10(power/noise); snr < 36 || snr > 41 {
			t.Errorf("%s: %.1f dB signal to noise", c, snr)
		}
	}
}

func TestToneAndEars(t *testing.T) {
	pcm := make([]int16, 30*SampleRate) // long enough for the oscillators to be set anew
	src := Tone(-20, 1000, 1003)
	for at := 0; at < len(pcm); at += 160 {
		src.Read(pcm[at : at+160])
	}
	for _, from := range []int{0, 9*SampleRate + SampleRate/2, 29 * SampleRate} {
		s := Sound(pcm[from : from+SampleRate])
		for hz, want := range map[float64]float64{1000: -20, 1003: -20, 1006: -50, 500: -70} {
			if got := s.Level(hz); want == -20 && math.Abs(got-want) > 0.2 || want < -20 && got > want {
				t.Errorf("from %d: %g Hz at %.1f dB, want %.0f", from, hz, got, want)
			}
		}
		if l := s.Loudness(); math.Abs(l - -20) > 0.3 { // two sines of -23 dB each
			t.Errorf("loudness %.1f dB", l)
		}
	}
	if Sound(nil).Level(1000) != silent || Sound(nil).Loudness() != silent || make(Sound, 100).Loudness() != silent {
		t.Error("nothing is not silent")
	}
}

func TestKeyTones(t *testing.T) {
	for event := range byte(16) {
		pcm := make([]int16, 800)
		newKeyTone(event).Read(pcm)
		var heard []float64
		for _, f := range []float64{697, 770, 852, 941, 1209, 1336, 1477, 1633} {
			if Sound(pcm).Level(f) > -15 {
				heard = append(heard, f)
			}
		}
		if !slices.Equal(heard, []float64{rows[event], columns[event]}) {
			t.Errorf("key %c: heard %v", keypad[event], heard)
		}
	}
}

func TestRTP(t *testing.T) {
	h := rtpHeader{marker: true, pt: 101, seq: 0xfffe, ts: 0x01020304, ssrc: 0xdeadbeef}
	b := append(h.append(nil), 1, 2, 3)
	if want := []byte{0x80, 0xe5, 0xff, 0xfe, 1, 2, 3, 4, 0xde, 0xad, 0xbe, 0xef, 1, 2, 3}; !bytes.Equal(b, want) {
		t.Fatalf("wrote % x", b)
	}
	if got, payload, ok := parseRTP(b); !ok || got != h || !bytes.Equal(payload, []byte{1, 2, 3}) {
		t.Errorf("read %+v % x %t", got, payload, ok)
	}
	// One CSRC, an extension of one word, two bytes of padding.
	full := []byte{0xb1, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9, 9, 9, 9, 0xbe, 0xde, 0, 1, 7, 7, 7, 7, 42, 0, 2}
	if _, payload, ok := parseRTP(full); !ok || !bytes.Equal(payload, []byte{42}) {
		t.Errorf("payload % x %t", payload, ok)
	}
	for n := range full {
		parseRTP(full[:n]) // must not panic
	}
	if _, _, ok := parseRTP([]byte("OPTIONS sip:x SIP/2.0\r\n")); ok {
		t.Error("SIP taken for RTP")
	}
}

func TestRecorderPlacesPackets(t *testing.T) {
	r := newRecorder(time.Second)
	at := time.Unix(0, 0)
	put := func(ssrc, ts uint32, v int16) {
		pcm := make([]int16, 160)
		for i := range pcm {
			pcm[i] = v
		}
		r.put(ssrc, ts, pcm, at)
		at = at.Add(20 * time.Millisecond)
	}
	put(1, 0xffffff60, 1) // the timestamp wraps
	put(1, 0x140, 3)      // one is missing
	put(1, 0xa0, 2)       // and comes late; nothing at 0
	put(2, 77777, 4)      // a new stream goes on where the old one ended
	s := r.cut(0, r.end)
	var got []int16
	for i := 0; i < len(s); i += 160 {
		got = append(got, s[i])
	}
	if !slices.Equal(got, []int16{1, 0, 2, 3, 4}) {
		t.Errorf("recorded %v", got)
	}
	for i := range 100 { // two seconds, of which one is kept
		put(2, 77777+uint32(i+1)*160, int16(10+i))
	}
	if s := r.cut(r.end-SampleRate-1, r.end); s[0] != 0 || s[1] == 0 || s[len(s)-1] != 109 {
		t.Errorf("kept %d, %d … %d", s[0], s[1], s[len(s)-1])
	}
	if n := len(r.between(at.Add(-50*time.Millisecond), at)); n != 2 {
		t.Errorf("%d packets in the last 50 ms", n)
	}
}

func TestStats(t *testing.T) {
	var s rxStats
	now := time.Unix(1000, 0)
	s.begin(now)
	for _, p := range []struct {
		seq  uint16
		wait int // ms
	}{{65534, 20}, {65535, 20}, {1, 20}, {0, 5}, {1, 1}, {2, 20}, {5, 130}} {
		now = now.Add(time.Duration(p.wait) * time.Millisecond)
		s.packet(rtpHeader{seq: p.seq, ts: uint32(p.seq+2) * 160, ssrc: 1}, now)
	}
	got := s.snapshot(now.Add(50 * time.Millisecond))
	got.Window, got.Jitter, got.FirstPacket, got.LastPacket = 0, 0, time.Time{}, time.Time{}
	want := Stats{Received: 7, Lost: 2, Duplicates: 1, Reordered: 1, Streams: 1, Gaps40: 2, Gaps60: 1, Gaps100: 1, LongestGap: 130 * time.Millisecond, Slip: 70 * time.Millisecond}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	s.begin(now)
	if got := s.snapshot(now); got.Received != 0 || got.Lost != 0 || got.Streams != 1 || got.FirstPacket.IsZero() {
		t.Errorf("new window %+v", got)
	}
}

func TestMessageRoundTrip(t *testing.T) {
	raw := "INVITE sip:b@h SIP/2.0\r\nv: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK-1,\r\n\tSIP/2.0/UDP 10.0.0.2\r\n" +
		"f: \"A, <B>\" <sip:a@h>;tag=7\r\nContact: <sip:a@h;x=1,2>, <sip:c@h>\r\nl: 3\r\nContent-Type: text/plain\r\n\r\nabcdef"
	m, err := parseMessage([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	if m.Method != "INVITE" || m.URI != "sip:b@h" || string(m.Body) != "abc" || branchOf(m) != "z9hG4bK-1" || tag(m.Header("from")) != "7" {
		t.Errorf("read %+v", m)
	}
	if got := m.All("Contact"); !slices.Equal(got, []string{"<sip:a@h;x=1,2>", "<sip:c@h>"}) {
		t.Errorf("contacts %q", got)
	}
	if got := m.All("Via"); len(got) != 2 {
		t.Errorf("vias %q", got)
	}
	again, err := parseMessage(m.marshal())
	if err != nil || again.String() != m.String() {
		t.Errorf("not the same again: %v\n%s\n%s", err, m, again)
	}
	for _, bad := range []string{
		"", "\r\n\r\n", "INVITE sip:b@h\r\n\r\n", "INVITE sip:b@h SIP/3.0\r\n\r\n", "SIP/2.0 abc\r\n\r\n", "SIP/2.0 99 x\r\n\r\n",
		"INVITE sip:b@h SIP/2.0\r\nno colon\r\n\r\n", "INVITE sip:b@h SIP/2.0\r\nl: 9\r\n\r\nabc", "INVITE sip:b@h SIP/2.0\r\nl: x\r\n\r\n",
		"INVITE sip:b@h SIP/2.0\r\nVia: x",
	} {
		if _, err := parseMessage([]byte(bad)); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
}

func FuzzParseMessage(f *testing.F) {
	f.Add([]byte("OPTIONS sip:x SIP/2.0\r\nVia: a;branch=b\r\nCSeq: 1 OPTIONS\r\n\r\n"))
	f.Add([]byte("SIP/2.0 200 OK\nt: <sip:a@b>;tag=\"x\"\n folded\nl:0\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseMessage(b)
		if err != nil {
			return
		}
		m.cseq()
		branchOf(m)
		tag(m.Header("To"))
		again, err := parseMessage(m.marshal())
		if err != nil {
			t.Fatalf("cannot read what was written: %v\n%q", err, m.marshal())
		}
		if again.String() != m.String() {
			t.Fatalf("not the same again:\n%q\n%q", m, again)
		}
	})
}

func FuzzParseSDP(f *testing.F) {
	f.Add([]byte(sdpOf8865))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseSDP(b)
		if err != nil {
			return
		}
		l := localSDP{addr: netip.MustParseAddrPort("10.0.0.1:4000"), codecs: []Codec{PCMU}, offer: r}
		back, err := parseSDP([]byte(l.String()))
		if r.audioLine >= 0 && (err != nil || back.audioLine != r.audioLine || len(back.lines) != len(r.lines)) {
			t.Fatalf("the answer cannot be read: %v\n%s", err, l)
		}
	})
}

const sdpOf8865 = "v=0\r\no=Cisco-SIPUA 1 0 IN IP4 10.0.0.9\r\ns=SIP Call\r\nb=AS:4064\r\nt=0 0\r\n" +
	"m=audio 17000 RTP/AVP 9 114 0 8 18 101\r\nc=IN IP4 10.0.0.9\r\nb=TIAS:64000\r\na=rtpmap:9 G722/8000\r\n" +
	"a=rtpmap:114 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 pcma/8000\r\na=rtpmap:101 telephone-event/8000\r\n" +
	"a=fmtp:101 0-15\r\na=ptime:30\r\na=sendonly\r\nm=video 17002 RTP/AVP 100\r\nc=IN IP4 10.0.0.9\r\na=recvonly\r\n"

func TestSDP(t *testing.T) {
	r, err := parseSDP([]byte(sdpOf8865))
	if err != nil {
		t.Fatal(err)
	}
	if r.addr.String() != "10.0.0.9:17000" || !slices.Equal(r.codecs, []Codec{PCMU, PCMA}) || r.events != 101 ||
		r.ptime != 30*time.Millisecond || r.direction != SendOnly || len(r.lines) != 2 {
		t.Errorf("read %+v", r)
	}
	l := localSDP{addr: netip.MustParseAddrPort("10.0.0.1:4000"), codecs: []Codec{PCMA}, events: 101, direction: RecvOnly, offer: r}
	answer := l.String()
	for _, want := range []string{"c=IN IP4 10.0.0.1\r\n", "m=audio 4000 RTP/AVP 8 101\r\n", "m=video 0 RTP/AVP 100\r\n", "a=recvonly\r\n"} {
		if !strings.Contains(answer, want) {
			t.Errorf("answer lacks %q:\n%s", want, answer)
		}
	}
	for _, bad := range []string{"", "v=0\r\n", "m=audio x RTP/AVP 0\r\n", "m=audio 5 RTP/AVP\r\n", "m=audio 5 RTP/AVP 0\r\n", "nonsense"} {
		if _, err := parseSDP([]byte(bad)); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
}

func TestURIAddr(t *testing.T) {
	for uri, want := range map[string]string{
		"sip:a@10.0.0.1:5070;transport=tcp": "10.0.0.1:5070", "sip:10.0.0.1": "10.0.0.1:5060", "sips:a@[::1]": "[::1]:5061",
		"sip:a;phone-context=b@10.0.0.1?x=y": "10.0.0.1:5060", "sip:a@host.test": "", "10.0.0.1": "",
	} {
		got, ok := uriAddr(uri)
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("%s: %s %t", uri, got, ok)
		}
	}
}

func TestReadMessageOffAStream(t *testing.T) {
	one := "OPTIONS sip:a SIP/2.0\r\nContent-Length: 2\r\n\r\nhi"
	r := bufio.NewReader(strings.NewReader("\r\n\r\n" + one + "\r\n" + one + "SIP/2.0 200 OK\r\nl : 0\r\n\r\n"))
	for i, want := range []string{one, one, "SIP/2.0 200 OK\r\nl : 0\r\n\r\n"} {
		if got, err := readMessage(r); err != nil || string(got) != want {
			t.Errorf("message %d: %q %v", i, got, err)
		}
	}
	if _, err := readMessage(bufio.NewReader(strings.NewReader("OPTIONS sip:a SIP/2.0\r\nl: 99999999\r\n\r\n"))); err == nil {
		t.Error("accepted a body of 100 MB")
	}
}
