package events

import (
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/internal/memnet"
	"passerelle/sip"
	"passerelle/softphone"
)

var blf = softphone.SubscribeOptions{Event: "dialog", Accept: DialogType, To: "102"}

func dialogWorld(t *testing.T, cfg DialogsConfig) (*world, *Dialogs) {
	t.Helper()
	var d *Dialogs
	w := newWorld(t, func(*world) []sip.EventPackage {
		d = NewDialogs(cfg)
		return []sip.EventPackage{d}
	})
	return w, d
}

// ringing is a call that rings at a line.
func ringing(id string) Dialog {
	return Dialog{
		ID: id, Direction: Recipient, State: Early, Since: time.Now(),
		Local:  Participant{URI: "sip:102@site.test"},
		Remote: Participant{Display: `Zoé "Z"`, URI: "sip:103@site.test", Target: "sip:103@site.test;x=1"},
	}
}

func TestDialogFullAndPartial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, d := dialogWorld(t, DialogsConfig{})
		s, first := subscribe(t, w.phone("ann"), blf)
		const head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" "
		wantBody(t, first, DialogType, head+"version=\"0\" state=\"full\" entity=\"sip:102@site.test\"/>\n")

		call := ringing("c1")
		d.Post("102@site.test", call)
		const ring = "  <dialog id=\"c1\" direction=\"recipient\">\n    <state>early</state>\n    <duration>0</duration>\n" +
			"    <local>\n      <identity>sip:102@site.test</identity>\n      <target uri=\"sip:102@site.test\"/>\n    </local>\n" +
			"    <remote>\n      <identity display=\"Zo&#233; &quot;Z&quot;\">sip:103@site.test</identity>\n      <target uri=\"sip:103@site.test;x=1\"/>\n    </remote>\n  </dialog>\n"
		wantBody(t, next(t, s), DialogType, head+"version=\"1\" state=\"partial\" entity=\"sip:102@site.test\">\n"+ring+"</dialog-info>\n")
		d.Post("102@site.test", call) // no news
		quiet(t, s)

		time.Sleep(4 * time.Second)
		call.State = Confirmed
		d.Post("102@site.test", call)
		talk := strings.NewReplacer("early", "confirmed", "<duration>0", "<duration>5").Replace(ring)
		wantBody(t, next(t, s), DialogType, head+"version=\"2\" state=\"partial\" entity=\"sip:102@site.test\">\n"+talk+"</dialog-info>\n")

		if err := s.Refresh(t.Context(), time.Hour, "", nil); err != nil {
			t.Fatal(err)
		}
		wantBody(t, next(t, s), DialogType, head+"version=\"3\" state=\"full\" entity=\"sip:102@site.test\">\n"+talk+"</dialog-info>\n")

		call.State, call.Event, call.Code = Terminated, Rejected, 486
		d.Post("102@site.test", call)
		over := strings.Replace(talk, "<state>confirmed", "<state event=\"rejected\" code=\"486\">terminated", 1)
		wantBody(t, next(t, s), DialogType, head+"version=\"4\" state=\"partial\" entity=\"sip:102@site.test\">\n"+over+"</dialog-info>\n")
		d.Post("102@site.test", call) // it is over
		quiet(t, s)
		if err := s.Unsubscribe(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantBody(t, next(t, s), DialogType, head+"version=\"5\" state=\"full\" entity=\"sip:102@site.test\"/>\n")
		time.Sleep(3 * time.Minute)
		d.board.mu.Lock()
		defer d.board.mu.Unlock()
		if n := len(d.board.lines); n != 0 {
			t.Errorf("%d lines are remembered", n)
		}
	})
}

func TestDialogRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := dialogWorld(t, DialogsConfig{MayWatch: func(watcher, watched sip.AOR) bool { return watcher == "101@site.test" && watched != "103@site.test" }})
		ann, eve := w.phone("ann"), w.phone("eve")
		for _, tt := range []struct {
			p    *softphone.Phone
			edit func(o *softphone.SubscribeOptions)
			code int
		}{
			{ann, func(o *softphone.SubscribeOptions) { o.To = "103" }, 403},
			{eve, func(*softphone.SubscribeOptions) {}, 403},
			{ann, func(o *softphone.SubscribeOptions) { o.To = "999" }, 404},
			{ann, func(o *softphone.SubscribeOptions) { o.Accept = "application/pidf+xml" }, 406},
		} {
			o := blf
			tt.edit(&o)
			wantRefused(t, tt.p, o, tt.code)
		}
		o := blf
		o.To = "103"
		subscribe(t, eve, o) // its own line
	})
}

// TestOneDialogOnly: the Event header may name one call (RFC 4235 §3.2).
func TestOneDialogOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, d := dialogWorld(t, DialogsConfig{})
		o := blf
		o.Event = `dialog;call-id="a@h";to-tag=t1`
		s, _ := subscribe(t, w.phone("ann"), o)
		other, wanted := ringing("c1"), ringing("c2")
		other.CallID, other.LocalTag = "a@h", "t2"
		wanted.CallID, wanted.LocalTag, wanted.RemoteTag = "a@h", "t1", "r1"
		d.Post("102@site.test", other)
		d.Post("102@site.test", wanted)
		m := string(next(t, s).Body)
		if !strings.Contains(m, `<dialog id="c2" call-id="a@h" local-tag="t1" remote-tag="r1" direction="recipient">`) || strings.Contains(m, "c1") {
			t.Errorf("%s", m)
		}
		quiet(t, s)
	})
}

func TestGuestsCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &guests{}
		w, d := dialogWorld(t, DialogsConfig{Phones: g})
		o := blf
		o.To = "101"
		s, _ := subscribe(t, w.phone("ann"), o) // its own line, for a shared appearance
		d.Post("102@site.test", ringing("c1"))
		quiet(t, s)
		g.set("ann", "102@site.test")
		d.OwnerChanged("ann", nil)
		if m := string(next(t, s).Body); !strings.Contains(m, `state="full"`) || !strings.Contains(m, `id="c1"`) {
			t.Errorf("%s", m)
		}
		d.Post("102@site.test", ringing("c2"))
		if m := string(next(t, s).Body); !strings.Contains(m, `state="partial"`) || !strings.Contains(m, `id="c2"`) {
			t.Errorf("%s", m)
		}
		g.set("ann", "")
		d.OwnerChanged("ann", nil)
		if m := string(next(t, s).Body); !strings.Contains(m, `state="full"`) || strings.Contains(m, "<dialog ") {
			t.Errorf("%s", m)
		}
	})
}

// lists knows the list "desk" of line 101.
type lists struct {
	mu      sync.Mutex
	members []Member
}

func (l *lists) List(watcher sip.AOR, name, host string) ([]Member, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.members, l.members != nil && watcher == "101@site.test" && name == "desk" && host == "site.test"
}

func (l *lists) set(members ...Member) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.members = members
}

var (
	memberBob = Member{AOR: "102@site.test", URI: "sip:102@site.test", Name: "Bob & Co"}
	memberEve = Member{AOR: "103@site.test", URI: "sip:103@site.test"}
)

var list = softphone.SubscribeOptions{
	Event: "dialog", To: "sip:desk@site.test", Accept: "application/dialog-info+xml, multipart/related, application/rlmi+xml",
	Headers: []softphone.Header{{Name: "Supported", Value: "eventlist"}},
}

func TestListBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lists{members: []Member{memberBob, memberEve}}
		w, d := dialogWorld(t, DialogsConfig{Lists: l})
		d.Post("103@site.test", Dialog{ID: "c1", Direction: Initiator, State: Confirmed})
		_, m := subscribe(t, w.phone("ann"), list)
		if m.Header("Require") != "eventlist" {
			t.Errorf("Require %q", m.Header("Require"))
		}
		_, params, err := mime.ParseMediaType(m.Header("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		tag := strings.TrimPrefix(params["boundary"], "part-")
		if got, want := m.Header("Content-Type"), `multipart/related;type="application/rlmi+xml";start="<0.0.`+tag+`@site.test>";boundary="part-`+tag+`"`; got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
		dialogs := func(uri, rest string) string {
			return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" state=\"full\" entity=\"" + uri + "\"" + rest
		}
		part := func(cid, contentType, body string) string {
			return "--part-" + tag + "\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <" + cid + "." + tag + "@site.test>\r\nContent-Type: " + contentType + "\r\n\r\n" + body + "\r\n"
		}
		index := "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\"sip:desk@site.test\" version=\"0\" fullState=\"true\">\n" +
			"  <resource uri=\"sip:102@site.test\">\n    <name>Bob &amp; Co</name>\n    <instance id=\"1\" state=\"active\" cid=\"1.0." + tag + "@site.test\"/>\n  </resource>\n" +
			"  <resource uri=\"sip:103@site.test\">\n    <instance id=\"2\" state=\"active\" cid=\"2.0." + tag + "@site.test\"/>\n  </resource>\n</list>\n"
		want := part("0.0", `application/rlmi+xml;charset="UTF-8"`, index) +
			part("1.0", DialogType, dialogs("sip:102@site.test", "/>\n")) +
			part("2.0", DialogType, dialogs("sip:103@site.test", ">\n  <dialog id=\"c1\" direction=\"initiator\">\n    <state>confirmed</state>\n  </dialog>\n</dialog-info>\n")) +
			"--part-" + tag + "--\r\n"
		if got := string(m.Body); got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	})
}

// rlmi is the index of a list as a watcher reads it.
type rlmi struct {
	Version int  `xml:"version,attr"`
	Full    bool `xml:"fullState,attr"`
	Members []struct {
		URI      string `xml:"uri,attr"`
		Instance struct {
			ID    string `xml:"id,attr"`
			State string `xml:"state,attr"`
			CID   string `xml:"cid,attr"`
		} `xml:"instance"`
	} `xml:"resource"`
}

// info is the state of a line as a watcher reads it.
type info struct {
	Version int    `xml:"version,attr"`
	State   string `xml:"state,attr"`
	Entity  string `xml:"entity,attr"`
	Dialogs []struct {
		ID    string `xml:"id,attr"`
		State string `xml:"state"`
	} `xml:"dialog"`
}

// readList takes a list's NOTIFY apart: the index and its members' states by URI, with the version of each.
func readList(t *testing.T, m *softphone.Message) (index rlmi, states map[string]info) {
	t.Helper()
	_, params, err := mime.ParseMediaType(m.Header("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string][]byte{}
	r := multipart.NewReader(strings.NewReader(string(m.Body)), params["boundary"])
	for {
		p, err := r.NextRawPart()
		if err != nil {
			break
		}
		var b strings.Builder
		buf := make([]byte, 4096)
		for n, err := 0, error(nil); err == nil; {
			n, err = p.Read(buf)
			b.Write(buf[:n])
		}
		parts[p.Header.Get("Content-ID")] = []byte(b.String())
	}
	if err := xml.Unmarshal(parts[params["start"]], &index); err != nil {
		t.Fatalf("index: %v\n%s", err, m.Body)
	}
	states = map[string]info{}
	for _, x := range index.Members {
		var i info
		if err := xml.Unmarshal(parts["<"+x.Instance.CID+">"], &i); err != nil || i.Entity != x.URI || x.Instance.State != "active" || i.State != "full" {
			t.Fatalf("%s: %+v, %v", x.URI, i, err)
		}
		states[x.URI] = i
	}
	if len(parts) != len(states)+1 {
		t.Errorf("%d parts for %d members", len(parts), len(states))
	}
	return index, states
}

func (i info) String() string {
	var list []string
	for _, d := range i.Dialogs {
		list = append(list, d.ID+":"+d.State)
	}
	return fmt.Sprintf("v%d %s", i.Version, sorted(list))
}

func TestListChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lists{members: []Member{memberBob, memberEve}}
		w, d := dialogWorld(t, DialogsConfig{Lists: l})
		s, _ := subscribe(t, w.phone("ann"), list)
		want := func(version int, full bool, ids, bob, eve string) {
			t.Helper()
			index, states := readList(t, next(t, s))
			got := ""
			for _, m := range index.Members {
				got += m.Instance.ID
			}
			if index.Version != version || index.Full != full || got != ids {
				t.Errorf("index %+v, want version %d, full %t, instances %s", index, version, full, ids)
			}
			for uri, want := range map[string]string{memberBob.URI: bob, memberEve.URI: eve} {
				if i, there := states[uri]; there != (want != "") || there && i.String() != want {
					t.Errorf("%s: %v, want %q", uri, i, want)
				}
			}
		}
		d.Post(memberEve.AOR, Dialog{ID: "a", State: Early})
		want(1, false, "2", "", "v1 a:early")
		d.Post(memberEve.AOR, Dialog{ID: "b", State: Trying})
		want(2, false, "2", "", "v2 a:early b:trying")
		d.Post(memberEve.AOR, Dialog{ID: "a", State: Terminated})
		want(3, false, "2", "", "v3 b:trying")
		d.Post("101@site.test", Dialog{ID: "c", State: Early}) // not on the list
		quiet(t, s)
		if err := s.Refresh(t.Context(), time.Hour, "", nil); err != nil {
			t.Fatal(err)
		}
		want(4, true, "12", "v1 ", "v4 b:trying")
		d.ListsChanged() // which it has not
		quiet(t, s)
		l.set(memberEve)
		d.ListsChanged()
		want(5, true, "1", "", "v0 b:trying")
		d.Post(memberBob.AOR, Dialog{ID: "d", State: Early})
		quiet(t, s)
		l.set()
		d.ListsChanged()
		want(6, true, "1", "", "v1 b:trying")
		if s.State() != "terminated;reason=noresource" {
			t.Errorf("state %q", s.State())
		}
	})
}

func TestListRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := dialogWorld(t, DialogsConfig{Lists: &lists{members: []Member{memberBob}}})
		ann := w.phone("ann")
		for _, tt := range []struct {
			p    *softphone.Phone
			edit func(o *softphone.SubscribeOptions)
			code int
		}{
			{w.phone("bob"), func(*softphone.SubscribeOptions) {}, 404},
			{ann, func(o *softphone.SubscribeOptions) { o.To = "sip:other@site.test" }, 404},
			{ann, func(o *softphone.SubscribeOptions) { o.Headers = nil }, 421},
			{ann, func(o *softphone.SubscribeOptions) { o.Accept = DialogType }, 406},
		} {
			o := list
			tt.edit(&o)
			wantRefused(t, tt.p, o, tt.code)
		}
		o := list
		o.Headers = []softphone.Header{{Name: "Require", Value: "eventlist"}}
		subscribe(t, ann, o)
	})
}

// TestWatchersSeeTheTruth: on a bad network, with calls that come and go at random, each watcher's picture, put together of
// full and partial states by the rules of RFC 4235 §4.3, is that of the line in the end; no version is missing.
func TestWatchersSeeTheTruth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, d := dialogWorld(t, DialogsConfig{Lists: &lists{members: []Member{memberBob, memberEve}}})
		dice := rand.New(rand.NewPCG(4, 235))
		var mu sync.Mutex
		w.OnPacket(func(memnet.Packet) memnet.Verdict {
			mu.Lock()
			defer mu.Unlock()
			return memnet.Verdict{Drop: dice.IntN(5) == 0, Delay: time.Duration(dice.IntN(30)) * time.Millisecond}
		})
		one, first := subscribe(t, w.phone("ann"), blf)
		many, firstMany := subscribe(t, w.phone("ann"), list)
		play := rand.New(rand.NewPCG(2026, 7))
		for range 400 {
			aor := []sip.AOR{memberBob.AOR, memberEve.AOR}[play.IntN(2)]
			d.Post(aor, Dialog{ID: fmt.Sprint("c", play.IntN(4)), Direction: Initiator, State: []DialogState{Trying, Early, Confirmed, Terminated}[play.IntN(4)]})
			time.Sleep(time.Duration(play.IntN(200)) * time.Millisecond)
		}
		time.Sleep(35 * time.Second)

		picture, version := map[string]string{}, -1
		read := func(m *softphone.Message) {
			var i info
			if err := xml.Unmarshal(m.Body, &i); err != nil {
				t.Fatal(err)
			}
			if i.Version != version+1 {
				t.Errorf("version %d after %d", i.Version, version)
			}
			version = i.Version
			if i.State == "full" {
				clear(picture)
			}
			for _, x := range i.Dialogs {
				if picture[x.ID] = x.State; x.State == "terminated" {
					delete(picture, x.ID)
				}
			}
		}
		read(first)
		lists, lastList := map[string]info{}, -1
		readAll := func(m *softphone.Message) {
			index, states := readList(t, m)
			if index.Version != lastList+1 {
				t.Errorf("list version %d after %d", index.Version, lastList)
			}
			lastList = index.Version
			for uri, i := range states {
				if was, there := lists[uri]; there && i.Version != was.Version+1 {
					t.Errorf("%s: version %d after %d", uri, i.Version, was.Version)
				}
				lists[uri] = i
			}
		}
		readAll(firstMany)
		for range 1000 {
			select {
			case <-one.Done():
				t.Fatal("the subscription is over")
			default:
			}
			m, err := one.Next(expired)
			if err != nil {
				break
			}
			read(m)
		}
		for {
			m, err := many.Next(expired)
			if err != nil {
				break
			}
			readAll(m)
		}
		for aor, member := range map[sip.AOR]Member{memberBob.AOR: memberBob, memberEve.AOR: memberEve} {
			var want []string
			for _, c := range d.Calls(aor) {
				want = append(want, c.ID+":"+string(c.State))
			}
			truth := sorted(want)
			if _, got, _ := strings.Cut(lists[member.URI].String(), " "); got != truth {
				t.Errorf("list shows %s as %q, true is %q", aor, got, truth)
			}
			if aor != memberBob.AOR {
				continue
			}
			var got []string
			for id, state := range picture {
				got = append(got, id+":"+state)
			}
			if sorted(got) != truth {
				t.Errorf("watcher shows %q, true is %q", sorted(got), truth)
			}
		}
	})
}
