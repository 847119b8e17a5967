package provision

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/sip"
)

// registered is a phone's binding of its own line.
func registered(username, agent string) sip.Binding {
	return sip.Binding{
		AOR: sip.NewAOR(username, "paris.acme.test"), Contact: "sip:" + username + "@192.0.2.7", Username: username, UserAgent: agent,
		Source: sip.Source{Transport: "UDP"},
	}
}

// swap puts another enterprise in use, as the server does it.
func (o *office) swap(edit ...func(*directory.Enterprise)) {
	o.t.Helper()
	o.live.Swap(newDirectory(o.t, edit...))
	o.phones.Changed()
}

// quiet wants nobody to be told anything.
func (o *office) quiet(why string) {
	o.t.Helper()
	synctest.Wait()
	select {
	case n := <-o.told:
		o.t.Errorf("%s: %s was told", why, n.To)
	default:
	}
}

// wantTold wants one phone to be told to fetch, as the user that it is.
func (o *office) wantTold(line, username, password string) {
	o.t.Helper()
	synctest.Wait()
	select {
	case n := <-o.told:
		u, p, ok := n.Credentials("a realm that the phone chose")
		if n.Event != "resync" || n.To != "sip:"+line+"@paris.acme.test" || u != username || p != password || !ok {
			o.t.Errorf("%s of %s as %s:%s", n.Event, n.To, u, p)
		}
	default:
		o.t.Fatalf("%s was not told\n%s", line, o.log.String())
	}
	o.quiet("after " + line)
}

// serving runs the phones for a scenario, in a bubble.
func serving(t *testing.T, scenario func(o *office)) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- o.phones.Run(ctx) }() // ends with the scenario
		defer func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}()
		scenario(o)
	})
}

func hostOff(e *directory.Enterprise) { e.Sites[0].Workspaces[0].Phone.Host.Enabled = false }

// TestTellsWhatHasChanged tells a registered phone of its new profile, once, and no other.
func TestTellsWhatHasChanged(t *testing.T) {
	serving(t, func(o *office) {
		_, own := o.fetch(o.setup(hostMAC) + "00a0c9112231.xml")
		o.fetch(o.setup(aliceMAC) + "00a0c9112201.xml")
		o.bound = []sip.Binding{registered("+33170001301", ""), registered("+33170001201", ""), registered("+33170001202", "")}
		o.swap()
		o.quiet("nothing has changed")
		o.swap(func(e *directory.Enterprise) { e.Sites[0].Users[0].DND = true })
		o.quiet("a setting that no profile has")
		o.swap(hostOff)
		o.wantTold("+33170001301", "+33170001301", "pW-77e310")
		o.swap(hostOff)
		o.phones.Registered(sip.Change{Kind: sip.Refreshed, Binding: o.bound[0]})
		o.quiet("it knows")
		if p, _ := o.fetch(own + "00a0c9112231.xml"); p["Enable_Broadsoft_Hoteling_1_"] != "No" {
			t.Error("the profile is the old one")
		}
		o.swap() // and back
		o.wantTold("+33170001301", "+33170001301", "pW-77e310")
	})
}

// TestPhoneOfAnother moves a phone to another user: it is told with the password that it has, not the one that it gets.
func TestPhoneOfAnother(t *testing.T) {
	exchange := func(e *directory.Enterprise) {
		alice, host := e.Sites[0].Users[0].Phone, e.Sites[0].Workspaces[0].Phone
		alice.MAC, host.MAC = host.MAC, alice.MAC
	}
	serving(t, func(o *office) {
		_, own := o.fetch(o.setup(hostMAC) + "00a0c9112231.xml")
		o.bound = []sip.Binding{registered("+33170001301", "")}
		o.swap(exchange)
		o.wantTold("+33170001301", "+33170001301", "pW-77e310")
		if p, _ := o.fetch(own + "00a0c9112231.xml"); p["User_ID_1_"] != "+33170001201" || p["Password_1_"] != "pA-6d1f0c" {
			t.Errorf("the phone is %s now", p["User_ID_1_"])
		}
	})
	serving(t, func(o *office) { // two phones have one user's password, until the former is told
		o.fetch(o.setup(hostMAC) + "00a0c9112231.xml")
		o.live.Swap(newDirectory(t, exchange))
		o.fetch(o.setup(aliceMAC) + "00a0c9112201.xml")
		o.bound = []sip.Binding{
			registered("+33170001301", "Cisco-CP-8865-3PCC/12.0.3_00a0c9112201"), registered("+33170001301", "Cisco-CP-8851-3PCC/12.0.3_00A0C9112231"),
		}
		o.bound[1].Contact = "sip:former@192.0.2.8"
		o.phones.Changed()
		synctest.Wait()
		if n := <-o.told; n.Target.URI != "sip:former@192.0.2.8" {
			t.Errorf("told %s", n.Target.URI)
		}
		o.quiet("the other")
	})
	serving(t, func(o *office) { // the former user leaves with the same change, and the registrar ends the binding
		o.fetch(o.setup(hostMAC) + "00a0c9112231.xml")
		o.bound = []sip.Binding{registered("+33170001301", "")}
		o.live.Swap(newDirectory(t, func(e *directory.Enterprise) {
			exchange(e)
			e.Sites[0].Workspaces = nil
		}))
		o.phones.Changed()
		o.bound = nil
		o.wantTold("+33170001301", "+33170001301", "pW-77e310")
	})
}

// TestToldWhenItIsBack tells a phone that was away, after a restart of the server too, and again when it did not answer.
func TestToldWhenItIsBack(t *testing.T) {
	serving(t, func(o *office) {
		o.fetch(o.setup(hostMAC) + "00a0c9112231.xml")
		o.swap(hostOff)
		o.quiet("it is away")
		back := registered("+33170001301", "")
		o.answer = errors.New("408")
		o.phones.Registered(sip.Change{Kind: sip.Registered, Binding: back})
		o.wantTold("+33170001301", "+33170001301", "pW-77e310")
		o.answer = nil
		o.phones.Registered(sip.Change{Kind: sip.Expired, Binding: back})
		o.quiet("it has gone")
		o.phones.Registered(sip.Change{Kind: sip.Refreshed, Binding: back})
		o.wantTold("+33170001301", "+33170001301", "pW-77e310")
		o.phones.Registered(sip.Change{Kind: sip.Refreshed, Binding: registered("+33170001202", "")})
		o.quiet("a phone that never fetched")
	})
}

// TestResyncNow asks for it, of phones that are there and that are not.
func TestResyncNow(t *testing.T) {
	serving(t, func(o *office) {
		if err := o.phones.Resync(o.t.Context(), "00:00:00:00:00:0a"); !errors.Is(err, ErrUnknownPhone) {
			t.Error(err)
		}
		if err := o.phones.Resync(o.t.Context(), hostMAC); !errors.Is(err, ErrNotRegistered) {
			t.Error(err)
		}
		o.bound = []sip.Binding{registered("+33170001301", "")}
		if err := o.phones.Resync(o.t.Context(), hostMAC); err != nil { // configured by hand
			t.Error(err)
		}
		o.wantTold("+33170001301", "+33170001301", "pW-77e310")
		o.answer = &sip.StatusError{Code: 401}
		var status *sip.StatusError
		if err := o.phones.Resync(o.t.Context(), hostMAC); !errors.As(err, &status) || status.Code != 401 || errors.Is(err, ErrNotRegistered) {
			t.Error(err)
		}
	})
}

// BenchmarkDigest is the cost per phone of looking for profiles that have changed.
func BenchmarkDigest(b *testing.B) {
	e := sitefile.Demo()
	dir, err := directory.New(e)
	if err != nil {
		b.Fatal(err)
	}
	d, _ := dir.DeviceByMAC(aliceMAC)
	b.ReportAllocs()
	by := newRenderer(dir, true, autumn)
	for b.Loop() {
		digest(by, d, "token")
	}
}
