package main

import (
	"strings"
	"testing"
	"time"

	"passerelle/call/cdr"
	"passerelle/directory"
	"passerelle/gateway"
	"passerelle/hoteling"
	"passerelle/softphone"
)

// showsCaller wants an incoming call to show who calls.
func (w *world) showsCaller(in *softphone.Incoming, number, name string) {
	w.t.Helper()
	if pai := in.Request().Header("P-Asserted-Identity"); !strings.Contains(pai, number+"@") || !strings.Contains(pai, name) {
		w.t.Errorf("P-Asserted-Identity %q, want %s, %s", pai, number, name)
	}
}

// record finds the latest record with these properties.
func (w *world) record(want func(cdr.Record) bool) cdr.Record {
	w.t.Helper()
	time.Sleep(time.Second)
	list, err := w.journal.Latest(100, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range list {
		if want(r) {
			return r
		}
	}
	w.t.Errorf("no such record among %+v", list)
	return cdr.Record{}
}

// TestGuestIsRungAtHost: a call to the guest alerts the host phone as the guest's, with the guest's services; the guest's own
// desk phone does not ring, softphones still do; the record is the guest's.
func TestGuestIsRungAtHost(t *testing.T) {
	inHotel(t, func(w *world) {
		host, _ := w.host()
		own, app := w.registered("+33170001201", "pA-6d1f0c"), w.registered("alice-app", "sA-44c1d0")
		camille := w.registered("+33170001203", "pC-0be5d2")
		rings := func(at, silent *ringing) {
			t.Helper()
			call := w.dial(w.t.Context(), camille.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
			soft, in := app.rings(w), at.rings(w)
			soft.Ring(180)
			in.Ring(180)
			silent.silent(w, time.Second)
			w.showsCaller(in, "+33170001203", "Camille Roy")
			c := w.take(in)
			w.cancelled(soft)
			a := w.up(call)
			w.meet(a, c)
			w.bye(a)
			w.gone(c, time.Second)
		}
		rings(own, host.ringing)
		host.as(host.guestIn("201", alicePIN), "201")
		rings(host.ringing, own)
		w.record(func(r cdr.Record) bool {
			return r.Direction == cdr.Out && r.User == "+33170001201" && r.Device == "+33170001301" && r.Host == "+33170001301" && r.Site == "paris.acme.test" && r.Code == 200
		})
		host.as(host.guestOut(), "")
		rings(own, host.ringing)
	})
}

// TestGuestsServicesRule: forwarding and do-not-disturb of the guest apply to calls to the guest.
func TestGuestsServicesRule(t *testing.T) {
	for name, tt := range map[string]struct {
		edit func(paris *directory.Site)
		want int // 0: forwarded to Camille
	}{
		"forwards always":    {func(paris *directory.Site) { paris.Users[0].Forwards.Always = "203" }, 0},
		"forwards when busy": {func(paris *directory.Site) { paris.Users[0].Forwards.Busy, paris.Users[0].DND = "203", true }, 0},
		"do not disturb":     {func(paris *directory.Site) { paris.Users[0].DND = true }, 486},
	} {
		t.Run(name, func(t *testing.T) {
			inHotel(t, func(w *world) {
				host, _ := w.host()
				bruno, camille := w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
				host.as(host.guestIn("201", alicePIN), "201")
				call := w.dial(w.t.Context(), bruno.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
				if tt.want != 0 {
					if got := w.status(call); got != tt.want {
						t.Errorf("got %s", statusError(got))
					}
				} else {
					c := w.take(camille.rings(w))
					w.bye(w.up(call))
					w.gone(c, time.Second)
				}
				host.silent(w, time.Second)
			}, tt.edit)
		})
	}
}

// TestHostPhoneCallsAsGuest: identity, calling plan, limits, features, the record and the guest's site are those of the guest.
func TestHostPhoneCallsAsGuest(t *testing.T) {
	inHotel(t, func(w *world) {
		host, _ := w.host()
		bruno, camille := w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
		call := func(number, name string) {
			t.Helper()
			out := w.dial(w.t.Context(), host.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
			in := camille.rings(w)
			w.showsCaller(in, number, name)
			c := w.take(in)
			w.bye(w.up(out))
			w.gone(c, time.Second)
		}
		call("+33170001301", "Bureau de passage 1")
		host.as(host.guestIn("201", alicePIN), "201")
		call("+33170001201", "Alice Martin")
		r := w.record(func(r cdr.Record) bool { return r.Direction == cdr.In && r.User == "+33170001201" })
		if r.Device != "+33170001301" || r.Number != "+33170001203" || r.Site != "paris.acme.test" {
			t.Errorf("record %+v", r)
		}
		// The calling plan: Alice may call in her country only.
		if got := w.status(w.dial(w.t.Context(), host.Phone, "sip:+14155550100@paris.acme.test", softphone.InviteOptions{})); got != 403 {
			t.Errorf("an international call of the guest: %s, want 403", statusError(got))
		}
		// The guest's codes: do not disturb is the guest's, and Bruno's calls hear it.
		host.as(host.guestOut(), "")
		call("+33170001301", "Bureau de passage 1")
		if got := w.status(w.dial(w.t.Context(), bruno.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})); got != 480 {
			t.Errorf("Alice has no phone: %s, want 480", statusError(got))
		}
	})
}

// TestGuestsPlanRules: the plan of the host's owner allows what the guest's does not, and the other way round.
func TestGuestsPlanRules(t *testing.T) {
	edit := func(paris *directory.Site) {
		paris.Users[0].CallingPlan.Internal = false
		paris.Workspaces[1].CallingPlan.Internal = true
	}
	inHotel(t, func(w *world) {
		host, _ := w.host2()
		camille := w.registered("+33170001203", "pC-0be5d2")
		host.as(host.guestIn("201", alicePIN), "201")
		if got := w.status(w.dial(w.t.Context(), host.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})); got != 403 {
			t.Errorf("the guest's plan has no internal calls: %s", statusError(got))
		}
		host.as(host.guestOut(), "")
		out := w.dial(w.t.Context(), host.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
		c := w.take(camille.rings(w))
		w.bye(w.up(out))
		w.gone(c, time.Second)
	}, edit)
}

// TestGuestFromOtherSiteDialsAsAtHome: extensions and the prefix of numbers are those of the guest's site.
func TestGuestFromOtherSiteDialsAsAtHome(t *testing.T) {
	inHotel(t, func(w *world) {
		host, _ := w.host()
		alice := w.registered("alice-app", "sA-44c1d0")
		host.as(host.guestIn("+15145550201", danaPIN), "+15145550201")
		// 201 is Dana's own extension at home, and Alice's in Paris.
		out := w.dial(w.t.Context(), host.Phone, "sip:+33170001201@paris.acme.test", softphone.InviteOptions{})
		in := alice.rings(w)
		w.showsCaller(in, "+15145550201", "Dana Lee")
		c := w.take(in)
		w.bye(w.up(out))
		w.gone(c, time.Second)
		call := w.dial(w.t.Context(), alice.Phone, "sip:+15145550201@paris.acme.test", softphone.InviteOptions{})
		h := w.take(host.rings(w))
		w.bye(w.up(call))
		w.gone(h, time.Second)
	})
}

// TestOwnDeskPhoneIsBlocked: while its user is a guest elsewhere it makes emergency calls only, and works again afterwards.
func TestOwnDeskPhoneIsBlocked(t *testing.T) {
	inHotel(t, func(w *world) {
		host, _ := w.host()
		own := w.registered("+33170001201", "pA-6d1f0c")
		app, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
		carrier := w.carrier()
		reaches := func(p *ringing) {
			t.Helper()
			out := w.dial(w.t.Context(), p.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
			in := camille.rings(w)
			w.showsCaller(in, "+33170001201", "Alice Martin")
			c := w.take(in)
			w.bye(w.up(out))
			w.gone(c, time.Second)
		}
		host.as(host.guestIn("201", alicePIN), "201")
		for _, uri := range []string{"sip:203@paris.acme.test", gatewayURI, "sip:+33612345678@paris.acme.test", "sip:*78@paris.acme.test", "sip:299@paris.acme.test"} {
			if got := w.status(w.dial(w.t.Context(), own.Phone, uri, softphone.InviteOptions{})); got != 403 {
				t.Errorf("the guest's own phone calls %s: %s, want 403", uri, statusError(got))
			}
		}
		camille.silent(w, time.Second)
		reaches(app) // a softphone of the guest is no desk phone
		out := w.dial(w.t.Context(), own.Phone, "sip:112@paris.acme.test", softphone.InviteOptions{})
		c := w.take(carrier.rings(w))
		w.bye(w.up(out))
		w.gone(c, time.Second)
		host.as(host.guestOut(), "")
		reaches(own)
	})
}

// TestHostsNumberIsNotReachable: while a guest is in, a call to the host's number is treated as if the host had no phone:
// forwarding for that case, else 480. The host's forwarding of all calls stays active. None of it goes to the guest.
func TestHostsNumberIsNotReachable(t *testing.T) {
	for name, tt := range map[string]struct {
		edit    func(u *directory.User)
		forward bool
	}{
		"nothing":                  {func(*directory.User) {}, false},
		"forwards not reachable":   {func(u *directory.User) { u.Forwards.NotReachable = "203" }, true},
		"forwards always":          {func(u *directory.User) { u.Forwards.Always = "203" }, true},
		"forwards busy, no answer": {func(u *directory.User) { u.Forwards.Busy, u.Forwards.NoAnswer.Target = "203", "203" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			inHotel(t, func(w *world) {
				host, _ := w.host()
				bruno, camille := w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
				host.as(host.guestIn("201", alicePIN), "201")
				for _, uri := range []string{"sip:301@paris.acme.test", "sip:+33170001301@paris.acme.test"} {
					call := w.dial(w.t.Context(), bruno.Phone, uri, softphone.InviteOptions{})
					if tt.forward {
						c := w.take(camille.rings(w))
						w.bye(w.up(call))
						w.gone(c, time.Second)
					} else if got := w.status(call); got != 480 {
						t.Errorf("%s: %s, want 480", uri, statusError(got))
					}
					host.silent(w, time.Second)
				}
				host.as(host.guestOut(), "")
				if name == "forwards always" {
					return
				}
				call := w.dial(w.t.Context(), bruno.Phone, "sip:301@paris.acme.test", softphone.InviteOptions{})
				c := w.take(host.rings(w))
				w.bye(w.up(call))
				w.gone(c, time.Second)
			}, func(paris *directory.Site) { tt.edit(paris.Workspaces[0]) })
		})
	}
}

// TestCallsUpFinish: a call that is up when its user signs in or out, when the limit is reached, or when the guest is released,
// goes on and keeps its identity in the record; the next calls are the new user's.
func TestCallsUpFinish(t *testing.T) {
	for name, out := range map[string]func(w *world, host *mpp, signedIn time.Time, again ...*ringing){
		"guest out": func(_ *world, host *mpp, _ time.Time, _ ...*ringing) { host.as(host.guestOut(), "") },
		"limit": func(w *world, host *mpp, signedIn time.Time, again ...*ringing) {
			time.Sleep(30 * time.Minute)
			for _, p := range again { // as phones do
				if _, err := p.Register(w.t.Context(), time.Hour); err != nil {
					w.t.Error(err)
				}
			}
			if err := host.sub.Refresh(w.t.Context(), time.Hour, "", nil); err != nil {
				w.t.Error(err)
			}
			host.as(host.next(), "201")
			time.Sleep(time.Until(signedIn.Add(time.Hour - 2*time.Second)))
			w.unnotified(host.sub)
			time.Sleep(time.Until(signedIn.Add(time.Hour)))
			host.as(host.next(), "")
			if late := time.Since(signedIn.Add(time.Hour)); late > time.Second {
				w.t.Errorf("the phone shows the end %v after the limit", late)
			}
		},
		"released": func(w *world, host *mpp, _ time.Time, _ ...*ringing) {
			if was, err := w.house.desk.SignOut(w.t.Context(), w.user("301").Ref, hoteling.ByAPI); !was || err != nil {
				w.t.Error(was, err)
			}
			host.as(host.next(), "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			inHotel(t, func(w *world) {
				host, _ := w.host()
				camille := w.registered("+33170001203", "pC-0be5d2")
				pair := func(number string) (*softphone.Call, *softphone.Call) {
					t.Helper()
					done := w.dial(w.t.Context(), host.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
					in := camille.rings(w)
					w.showsCaller(in, number, "")
					c := w.take(in)
					return w.up(done), c
				}
				h, c := pair("+33170001301") // the host's own call, then the guest signs in
				host.as(host.guestIn("201", alicePIN), "201")
				signedIn := time.Now()
				w.meet(h, c)
				w.bye(h)
				w.gone(c, time.Second)
				w.record(func(r cdr.Record) bool { return r.Direction == cdr.In && r.User == "+33170001301" && r.Code == 200 })
				h, c = pair("+33170001201") // the guest's call, then the guest is out
				out(w, host, signedIn, host.ringing, camille)
				w.meet(h, c)
				w.bye(c)
				w.gone(h, time.Second)
				w.record(func(r cdr.Record) bool { return r.Direction == cdr.In && r.User == "+33170001201" && r.Code == 200 })
				h, c = pair("+33170001301")
				w.bye(h)
				w.gone(c, time.Second)
			}, func(paris *directory.Site) { paris.Users[0].Guest.LimitHours = 1 })
		})
	}
}

// TestEmergencyFromHostPhone: signed in or not, from the host phone help is called with the desk's location and the number
// that reaches that phone, and reaches it when it calls back, past the guest.
func TestEmergencyFromHostPhone(t *testing.T) {
	for _, guest := range []string{"", "+15145550201"} {
		t.Run("guest "+guest, func(t *testing.T) {
			inHotel(t, func(w *world) {
				host, _ := w.host()
				carrier := w.carrier()
				if guest != "" {
					host.as(host.guestIn(guest, danaPIN), guest)
					if got := w.status(w.dial(w.t.Context(), carrier.Phone, "sip:+33170001301@paris.acme.test", softphone.InviteOptions{})); got != 480 {
						t.Errorf("before: %s, want 480", statusError(got))
					}
				}
				out := w.dial(w.t.Context(), host.Phone, "sip:112@paris.acme.test", softphone.InviteOptions{})
				in := carrier.rings(w)
				w.showsCaller(in, "+33170001301", "")
				c := w.take(in)
				w.bye(w.up(out))
				w.gone(c, time.Second)
				back := w.dial(w.t.Context(), carrier.Phone, "sip:+33170001301@paris.acme.test", softphone.InviteOptions{})
				h := w.take(host.rings(w))
				w.bye(w.up(back))
				w.gone(h, time.Second)
				if guest == "" {
					return
				}
				time.Sleep(time.Hour)
				if got := w.status(w.dial(w.t.Context(), carrier.Phone, "sip:+33170001301@paris.acme.test", softphone.InviteOptions{})); got != 480 {
					t.Errorf("an hour later: %s, want 480", statusError(got))
				}
			})
		})
	}
}

// TestFurtherLinesKeepTheirOwners: a shared line on the host phone rings there and calls from there as its owner's, whoever is
// signed in on the first.
func TestFurtherLinesKeepTheirOwners(t *testing.T) {
	inHotel(t, func(w *world) {
		host, _ := w.host2()
		second := w.registered("+33170001302", "pW-12ab34", func(c *softphone.Config) { c.Line = "+33170001203" })
		bruno := w.registered("+33170001202", "pB-91aa37")
		host.as(host.guestIn("201", alicePIN), "201")
		call := w.dial(w.t.Context(), bruno.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
		c := w.take(second.rings(w))
		w.bye(w.up(call))
		w.gone(c, time.Second)
		host.silent(w, 0)
		for _, tt := range []struct {
			from   *softphone.Phone
			number string
		}{{second.Phone, "+33170001203"}, {host.Phone, "+33170001201"}} {
			out := w.dial(w.t.Context(), tt.from, "sip:202@paris.acme.test", softphone.InviteOptions{})
			in := bruno.rings(w)
			w.showsCaller(in, tt.number, "")
			b := w.take(in)
			w.bye(w.up(out))
			w.gone(b, time.Second)
		}
	}, func(paris *directory.Site) {
		paris.Workspaces[1].Phone.Lines = []directory.Line{{Number: "+33170001203", Shared: true}}
	})
}

// TestGuestAtTheGateway: a guest at the gateway is who they are.
func TestGuestAtTheGateway(t *testing.T) {
	inHotel(t, func(w *world) {
		host, _ := w.host()
		host.as(host.guestIn("201", alicePIN), "201")
		c := w.enter(host.Phone, aliceSpace)
		w.participants(1)
		if p := w.house.gateway.Bridges()[0].Participants[0]; p.Name != "Alice Martin" || p.Number != "+33170001201" {
			t.Errorf("the participant is %s, %s", p.Name, p.Number)
		}
		w.bye(c)
	})
}

// TestMoveToAnotherHost: both phones show it, calls follow, and a host that is taken shows the truth.
func TestMoveToAnotherHost(t *testing.T) {
	inHotel(t, func(w *world) {
		first, _ := w.host()
		second, _ := w.host2()
		camille := w.registered("+33170001203", "pC-0be5d2")
		first.as(first.guestIn("201", alicePIN), "201")
		second.as(second.guestIn("201", alicePIN), "201")
		first.as(first.next(), "")
		first.as(first.guestIn("+15145550201", danaPIN), "+15145550201")
		second.as(second.guestIn("202", brunoPIN), "201") // taken
		call := w.dial(w.t.Context(), camille.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
		c := w.take(second.rings(w))
		first.silent(w, time.Second)
		w.bye(w.up(call))
		w.gone(c, time.Second)
	})
}

// TestSpaceCallsGuestAtHost: a call that the guest asks for rings where the guest is, and the guest is in the space as the owner.
func TestSpaceCallsGuestAtHost(t *testing.T) {
	inHotel(t, func(w *world) {
		host, _ := w.host()
		own := w.registered("+33170001201", "pA-6d1f0c")
		host.as(host.guestIn("201", alicePIN), "201")
		b := w.enter(w.camille(), aliceSpace)
		o := w.spaceCalls("")
		in := host.rings(w)
		in.Ring(180)
		own.silent(w, time.Second)
		a := w.take(in)
		w.outcall(o.ID, gateway.OutcallIn)
		w.participants(2)
		w.meet(a, b)
		w.bye(a, b)
	})
}
