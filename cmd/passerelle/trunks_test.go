package main

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/sip/siptest"
	"passerelle/softphone"
)

// withTrunks is the demo whose Paris has other trunks than its carrier.
func withTrunks(edit func(carrier *directory.Trunk) []*directory.Trunk) *directory.Enterprise {
	e := sitefile.Demo()
	e.Sites[0].Trunks = edit(e.Sites[0].Trunks[0])
	return e
}

// TestTrunkAddressIsSilent calls by the backup when the first address answers nothing at all, within seconds.
func TestTrunkAddressIsSilent(t *testing.T) {
	e := withTrunks(func(carrier *directory.Trunk) []*directory.Trunk {
		carrier.BackupAddresses = []string{carrier.Address}
		carrier.Address = "203.0.113.7"
		return []*directory.Trunk{carrier}
	})
	inWorldOf(t, e, func(w *world) {
		carrier, camille := w.carrier(), w.registered("+33170001203", "pC-0be5d2")
		start := time.Now()
		call := w.dial(w.t.Context(), camille.Phone, "sip:0612345678@paris.acme.test", softphone.InviteOptions{})
		in := carrier.rings(w)
		if d := time.Since(start); d != 4*time.Second {
			t.Errorf("the backup rings after %v", d)
		}
		c := w.take(in)
		w.bye(w.up(call))
		w.gone(c, time.Second)
	})
}

// TestTrunkByDigest proves a trunk by its password, which proves nothing else.
func TestTrunkByDigest(t *testing.T) {
	e := withTrunks(func(carrier *directory.Trunk) []*directory.Trunk {
		account := directory.NewTrunk()
		account.Name, account.Address, account.Auth = "account", "sip.account.test", directory.AuthDigest
		account.Username, account.Password = "acme-account", "tA-9d00e1"
		return []*directory.Trunk{carrier, account}
	})
	inWorldOf(t, e, func(w *world) {
		camille := w.registered("+33170001203", "pC-0be5d2")
		p := w.phone("acme-account", "tA-9d00e1", func(c *softphone.Config) { c.Line, c.Domain = "+33612345678", "account.test" })
		call := w.dial(w.t.Context(), p, "sip:+33170001203@paris.acme.test", softphone.InviteOptions{})
		in := camille.rings(w)
		if pai := in.Request().Header("P-Asserted-Identity"); !strings.Contains(pai, "+33612345678") {
			t.Errorf("P-Asserted-Identity %q, want the number that the trunk says", pai)
		}
		c := w.take(in)
		w.bye(w.up(call))
		w.gone(c, time.Second)
		w.settled()
		records, err := w.journal.Latest(10, nil)
		if err != nil || len(records) != 2 {
			t.Fatalf("%d records, %v", len(records), err)
		}
		if records[0].Trunk+records[1].Trunk != "account" {
			t.Errorf("the call is of trunk %q", records[0].Trunk+records[1].Trunk)
		}
		if _, err := p.Register(w.t.Context(), time.Hour); softphone.StatusOf(err) != 403 {
			t.Errorf("a trunk's password registers: %v", err)
		}
		stranger := w.phone("acme-account", "wrong", func(c *softphone.Config) { c.Domain = "account.test" })
		if got := w.refused(stranger, "sip:+33170001203@paris.acme.test", softphone.InviteOptions{}); got != 401 && got != 403 {
			t.Errorf("a wrong password gets %s", statusError(got))
		}
	})
}

// TestTrunkWantsItsAccountInFrom puts the account into From and asserts the number beside it; a withheld one under Privacy.
func TestTrunkWantsItsAccountInFrom(t *testing.T) {
	e := withTrunks(func(carrier *directory.Trunk) []*directory.Trunk {
		carrier.Domain, carrier.Username, carrier.From = "ims.carrier.test", "acme", directory.FromAccount
		return []*directory.Trunk{carrier}
	})
	inWorldOf(t, e, func(w *world) {
		carrier, camille := w.carrier(), w.registered("+33170001203", "pC-0be5d2")
		for dialled, want := range map[string][3]string{
			"0612345678":    {"<sip:acme@ims.carrier.test>", "<sip:+33170001203@ims.carrier.test;user=phone>", ""},
			"*310612345678": {"<sip:anonymous@anonymous.invalid>", "<sip:+33170001203@ims.carrier.test;user=phone>", "id"},
		} {
			call := w.dial(w.t.Context(), camille.Phone, "sip:"+dialled+"@paris.acme.test", softphone.InviteOptions{})
			in := carrier.rings(w)
			m := in.Request()
			if from, pai := m.Header("From"), m.Header("P-Asserted-Identity"); !strings.Contains(from, want[0]) || !strings.Contains(pai, want[1]) || m.Header("Privacy") != want[2] {
				t.Errorf("%s: From %q, P-Asserted-Identity %q, Privacy %q", dialled, from, pai, m.Header("Privacy"))
			}
			if !strings.HasPrefix(m.URI, "sip:+33612345678@ims.carrier.test") {
				t.Errorf("%s: Request-URI %q", dialled, m.URI)
			}
			in.Refuse(486)
			if got := w.status(call); got != 486 {
				t.Errorf("got %s", statusError(got))
			}
		}
	})
}

// carrierHost is where the carriers of these tests are that need more than a phone can play.
const carrierHost = "192.0.2.77:5060"

// registeredTrunk makes the demo's trunk one that we register with.
func registeredTrunk(carrier *directory.Trunk) []*directory.Trunk {
	carrier.Address, carrier.Domain = carrierHost, "carrier.test"
	carrier.Auth, carrier.Username, carrier.Password = directory.AuthRegister, "0033972100000", "t0p-s3cret"
	return []*directory.Trunk{carrier}
}

// registers answers a REGISTER of ours and returns the Contact.
func registers(p *siptest.Peer) (contact string) {
	m := p.WantRequest("REGISTER")
	p.Answer(m, "200 OK", "r", "Contact: "+m.Header("Contact")+";expires=600")
	synctest.Wait()
	return m.URI("Contact")
}

// wantCallee has camille's phone ring for a call that came in, answers it and hangs up.
func (w *world) wantCallee(camille *ringing, call *siptest.Call) {
	w.t.Helper()
	call.From = "<sip:+33612345678@carrier.test>"
	call.To = "<sip:+33170001203@carrier.test>"
	call.Request("INVITE", siptest.Offer)
	c := w.take(camille.rings(w))
	call.Want(200, "INVITE")
	call.Request("ACK")
	call.Request("BYE")
	call.Want(200, "BYE")
	w.gone(c, time.Second)
}

// TestRegisteredTrunk sends its calls to our Contact; who else sends there is a stranger. At the end we unregister.
func TestRegisteredTrunk(t *testing.T) {
	inWorldOf(t, withTrunks(registeredTrunk), func(w *world) {
		p := siptest.NewPeer(w.t, w.net, carrierHost, serverAddr.String())
		contact := registers(p)
		camille := w.registered("+33170001203", "pC-0be5d2")
		w.wantCallee(camille, p.NewCall(contact))

		stranger := siptest.NewPeer(w.t, w.net, "203.0.113.66:5060", serverAddr.String()).NewCall(contact)
		stranger.To = "<sip:+33170001203@carrier.test>"
		stranger.Request("INVITE", siptest.Offer)
		stranger.RefusalACK(stranger.Want(401, "INVITE"))
		camille.silent(w, time.Second)

		call := w.dial(w.t.Context(), camille.Phone, "sip:0612345678@paris.acme.test", softphone.InviteOptions{})
		invite := p.WantRequest("INVITE")
		if invite.StartLine() != "INVITE sip:+33612345678@carrier.test;user=phone SIP/2.0" || invite.URI("From") != "sip:+33170001203@carrier.test;user=phone" {
			t.Errorf("the call out\n%s", invite.Raw)
		}
		p.Answer(invite, "407 Proxy Authentication Required", "x", `Proxy-Authenticate: Digest realm="carrier.test", nonce="n", qop="auth"`)
		p.WantRequest("ACK")
		invite = p.WantRequest("INVITE")
		if !strings.Contains(invite.Header("Proxy-Authorization"), `username="0033972100000"`) {
			t.Errorf("the proof\n%s", invite.Raw)
		}
		p.Answer(invite, "486 Busy Here", "x")
		p.WantRequest("ACK")
		if got := w.status(call); got != 486 {
			t.Errorf("got %s", statusError(got))
		}
		w.stop()
		if m := p.WantRequest("REGISTER"); m.Header("Expires") != "0" {
			t.Errorf("at the end\n%s", m.Raw)
		} else {
			p.Answer(m, "200 OK", "r")
		}
	})
}

// TestRegisteredTrunkByTCP gets its calls on the connection that we registered by, and on a new one when that broke.
func TestRegisteredTrunkByTCP(t *testing.T) {
	e := withTrunks(func(carrier *directory.Trunk) []*directory.Trunk {
		registeredTrunk(carrier)
		carrier.Transport, carrier.NoProbe, carrier.ProbeSeconds = directory.TCP, false, 10
		return []*directory.Trunk{carrier}
	})
	inWorldOf(t, e, func(w *world) {
		l, err := w.net.Listen(netip.MustParseAddrPort(carrierHost))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		camille := w.registered("+33170001203", "pC-0be5d2")
		var from string
		for round := range 2 {
			c, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			p := siptest.Over(w.t, w.net, c, "TCP")
			contact := ""
			for asked := false; contact == "" || !asked; {
				m := p.Next()
				switch m.Method() {
				case "REGISTER":
					p.Answer(m, "200 OK", "r", "Contact: "+m.Header("Contact")+";expires=600")
					contact = m.URI("Contact")
				case "OPTIONS":
					p.Answer(m, "200 OK", "r")
					asked = true
				}
			}
			synctest.Wait()
			if !strings.HasPrefix(contact, "sip:0033972100000@"+serverAddr.String()+";transport=tcp;line=") || round == 1 && contact != from {
				t.Errorf("Contact %q", contact)
			}
			from = contact
			w.wantCallee(camille, p.NewCall(contact))
			p.Close()
		}
	})
}

// TestTrunkThatIsDownIsTriedLast takes a trunk's calls elsewhere at once, when its addresses do not answer OPTIONS.
func TestTrunkThatIsDownIsTriedLast(t *testing.T) {
	e := withTrunks(func(carrier *directory.Trunk) []*directory.Trunk {
		dead := directory.NewTrunk()
		dead.Name, dead.Address = "dead", "203.0.113.7"
		return []*directory.Trunk{dead, carrier}
	})
	inWorldOf(t, e, func(w *world) {
		carrier, camille := w.carrier(), w.registered("+33170001203", "pC-0be5d2")
		time.Sleep(5 * time.Second)
		start := time.Now()
		call := w.dial(w.t.Context(), camille.Phone, "sip:0612345678@paris.acme.test", softphone.InviteOptions{})
		in := carrier.rings(w)
		if d := time.Since(start); d != 0 {
			t.Errorf("the other trunk rings after %v", d)
		}
		in.Refuse(486)
		if got := w.status(call); got != 486 {
			t.Errorf("got %s", statusError(got))
		}
	})
}

// TestNameServersAreBlackHoled is rule 24: calls of lines do not wait, nor does a call that would need a name.
func TestNameServersAreBlackHoled(t *testing.T) {
	e := withTrunks(func(carrier *directory.Trunk) []*directory.Trunk {
		named := directory.NewTrunk()
		named.Name, named.Address, named.Auth, named.Username, named.Password = "named", "sip.carrier.test", directory.AuthDigest, "acme", "t0p-s3cret"
		return []*directory.Trunk{named, carrier}
	})
	inWorldOf(t, e, func(w *world) {
		w.names.set(true, nil)
		w.house.trunks.Changed()
		time.Sleep(10 * time.Second) // look-ups are under way
		carrier, alice, camille := w.carrier(), w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
		for range 10 {
			start := time.Now()
			call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
			in := camille.rings(w)
			if d := time.Since(start); d != 0 {
				t.Fatalf("a line rings after %v", d)
			}
			in.Refuse(486)
			w.status(call)
			start = time.Now()
			call = w.dial(w.t.Context(), alice.Phone, "sip:0612345678@paris.acme.test", softphone.InviteOptions{})
			in = carrier.rings(w)
			if d := time.Since(start); d != 0 {
				t.Fatalf("the other trunk rings after %v", d)
			}
			in.Refuse(486)
			w.status(call)
			time.Sleep(time.Second)
		}
		w.names.set(false, map[string][]netip.Addr{"sip.carrier.test": {trunkAddr.Addr()}})
		time.Sleep(70 * time.Second)
		if s := w.house.trunks.States(); len(s) != 2 || len(s[1].Ways) != 1 {
			t.Errorf("the name is back: %+v", s)
		}
	})
}

// TestHelpIsTriedByEveryTrunk: whatever one trunk says of a call for help, the next one is asked.
func TestHelpIsTriedByEveryTrunk(t *testing.T) {
	for _, code := range []int{403, 404, 486, 603} {
		e := withTrunks(func(carrier *directory.Trunk) []*directory.Trunk {
			local := directory.NewTrunk()
			local.Name, local.Address, local.Emergency = "local", "127.0.0.1:5091", true
			return []*directory.Trunk{carrier, local}
		})
		inWorldOf(t, e, func(w *world) {
			local := &ringing{calls: make(chan *softphone.Incoming, 8)}
			local.Phone = w.phone("112", "", func(c *softphone.Config) {
				c.Local, c.Domain = netip.MustParseAddrPort("127.0.0.1:5091"), "local.test"
				c.OnInvite = func(in *softphone.Incoming) { local.calls <- in }
			})
			carrier, camille := w.carrier(), w.registered("+33170001203", "pC-0be5d2")
			call := w.dial(w.t.Context(), camille.Phone, "sip:112@paris.acme.test", softphone.InviteOptions{})
			local.rings(w).Refuse(code)
			c := w.take(carrier.rings(w))
			w.bye(w.up(call))
			w.gone(c, time.Second)
		})
	}
}

// TestTrunksCallerWithholdsNumber: a carrier tells us who calls and that it is not to be shown. Phones see nobody, lines that
// reject anonymous callers do, and what goes out again says under Privacy who called, or the site.
func TestTrunksCallerWithholdsNumber(t *testing.T) {
	e := withTrunks(func(carrier *directory.Trunk) []*directory.Trunk { return []*directory.Trunk{carrier} })
	e.Sites[0].Users[0].Forwards.Always = "0612345678"
	e.Sites[0].Users[1].RejectAnonymous = true
	inWorldOf(t, e, func(w *world) {
		carrier, camille := w.carrier(), w.registered("+33170001203", "pC-0be5d2")
		for _, tt := range []struct {
			from     string
			headers  []softphone.Header
			asserted string // of what goes out again
		}{
			{"sip:+33698765432@carrier.test", []softphone.Header{{Name: "P-Asserted-Identity", Value: "<sip:+33698765432;npdi@carrier.test>"}, {Name: "Privacy", Value: "id"}}, "+33698765432"},
			{"sip:+33698765432@carrier.test", []softphone.Header{{Name: "Remote-Party-ID", Value: "<sip:+33698765432@carrier.test>;party=calling;privacy=full;screen=yes"}}, "+33698765432"},
			{"sip:anonymous@anonymous.invalid", []softphone.Header{{Name: "Privacy", Value: "id"}}, "+33170001001"},
		} {
			o := softphone.InviteOptions{From: tt.from, Headers: tt.headers}
			call := w.dial(w.t.Context(), carrier.Phone, "sip:+33170001203@paris.acme.test", o)
			in := camille.rings(w)
			for _, h := range in.Request().Headers {
				if strings.Contains(h.Value, "698765432") {
					t.Errorf("the phone sees %s: %s", h.Name, h.Value)
				}
			}
			in.Refuse(486)
			w.status(call)
			if got := w.refused(carrier.Phone, "sip:+33170001202@paris.acme.test", o); got != 433 {
				t.Errorf("a line that takes no anonymous calls: %s", statusError(got))
			}
			call = w.dial(w.t.Context(), carrier.Phone, "sip:+33170001201@paris.acme.test", o)
			out := carrier.rings(w)
			if m := out.Request(); !strings.Contains(m.Header("P-Asserted-Identity"), "<sip:"+tt.asserted+"@") || m.Header("Privacy") != "id" {
				t.Errorf("P-Asserted-Identity %q, Privacy %q", m.Header("P-Asserted-Identity"), m.Header("Privacy"))
			}
			out.Refuse(486)
			w.status(call)
		}
	})
}

// TestVoicemailByURI calls a mailbox that is a URI: by the host's name, by its address, and with a transport. A name that nobody
// knows fails the call at once, and name servers that are silent soon.
func TestVoicemailByURI(t *testing.T) {
	e := sitefile.Demo()
	alice := e.Sites[0].Users[0]
	alice.Forwards.Always = directory.ForwardVoicemail
	for uri, found := range map[string]bool{
		"sip:box-201@vm.acme.test":                     true,
		"sip:box-201@vm.acme.test:5060;user=phone":     true,
		"sip:box-201@203.0.113.50":                     true,
		"sip:vm.acme.test":                             true,
		"sip:box-201@unknown.acme.test":                false,
		"sip:box-201@vm.acme.test:5060;transport=tcp2": true,
	} {
		alice.Voicemail = uri
		inWorldOf(t, e, func(w *world) {
			w.names.set(false, map[string][]netip.Addr{"vm.acme.test": {netip.MustParseAddr("203.0.113.50")}})
			camille := w.registered("+33170001203", "pC-0be5d2")
			box := &ringing{calls: make(chan *softphone.Incoming, 8)}
			box.Phone = w.phone("box-201", "", func(c *softphone.Config) {
				c.Local, c.Domain = netip.MustParseAddrPort("203.0.113.50:5060"), "vm.acme.test"
				c.OnInvite = func(in *softphone.Incoming) { box.calls <- in }
			})
			call := w.dial(w.t.Context(), camille.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
			if !found {
				if got := w.status(call); got != 502 {
					t.Errorf("%s: %s", uri, statusError(got))
				}
				w.names.set(true, nil)
				start := time.Now()
				if got := w.refused(camille.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{}); got != 502 || time.Since(start) > 4*time.Second {
					t.Errorf("%s: %s after %v", uri, statusError(got), time.Since(start))
				}
				return
			}
			in := box.rings(w)
			if m := in.Request(); !strings.HasPrefix(m.URI, strings.Split(uri, ";")[0]) || !strings.Contains(m.Header("Diversion"), "+33170001201@") {
				t.Errorf("%s: called as %s, Diversion %q", uri, m.URI, m.Header("Diversion"))
			}
			v := w.take(in)
			c := w.up(call)
			w.meet(c, v)
			w.bye(c)
			w.gone(v, time.Second)
		})
	}
}
