package hoteling

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/directory"
	"passerelle/sip"
)

const (
	alicePIN = "246810"
	brunoPIN = "135790"
	danaPIN  = "998877"
)

// TestRules is a table of every rule: who may sign in where, and what the phone and the administrator learn of it.
func TestRules(t *testing.T) {
	paris := func(e *directory.Enterprise) *directory.Site { return e.Sites[0] }
	for _, tt := range []struct {
		name                string
		host, address       string
		pin                 directory.Secret
		edit                func(e *directory.Enterprise)
		want                Cause // empty: signed in
		early, earlyAnyhow  bool  // refused before a challenge: with early_refusal, and without
		english, frenchText string
	}{
		{name: "all is well", host: "p301", address: "201", pin: alicePIN},
		{name: "a number", host: "p301", address: "+33170001201", pin: alicePIN},
		{name: "a number without its plus sign", host: "p301", address: "33170001201", pin: alicePIN},
		{name: "user@domain", host: "p301", address: "201@PARIS.acme.test", pin: alicePIN},
		{name: "SIP URI", host: "p301", address: "sip:201@paris.acme.test:5060;user=phone", pin: alicePIN},
		{name: "tel URI", host: "p301", address: "tel:+33-1-70-00-12-01", pin: alicePIN},
		{name: "from another site by number", host: "p301", address: "+15145550201", pin: danaPIN},
		{name: "from another site by domain", host: "p301", address: "201@montreal.acme.test", pin: danaPIN},
		{name: "with the site's prefix", host: "p301", address: "81201", pin: danaPIN, edit: func(e *directory.Enterprise) { e.Sites[1].Prefix = "81" }},
		{name: "as long as the host", host: "p301", address: "201", pin: alicePIN, edit: func(e *directory.Enterprise) { paris(e).Users[0].Guest.LimitHours = 12 }},
		{name: "no limit where none is enforced", host: "p301", address: "202", pin: brunoPIN, edit: func(e *directory.Enterprise) { paris(e).Workspaces[0].Phone.Host.EnforceLimit = false }},
		{name: "a person's phone as host", host: "p203", address: "201", pin: alicePIN, edit: func(e *directory.Enterprise) {
			paris(e).Users[2].Phone.Host = &directory.Host{Enabled: true}
		}},

		{name: "wrong PIN", host: "p301", address: "201", pin: "000000", want: WrongPIN},
		{name: "unknown guest", host: "p301", address: "299", pin: alicePIN, want: GuestUnknown, early: true},
		{name: "unknown domain", host: "p301", address: "201@other.test", pin: alicePIN, want: GuestUnknown, early: true},
		{name: "a workspace is no guest", host: "p301", address: "+15145550301", pin: alicePIN, want: GuestUnknown, early: true},
		{name: "not allowed by the administrator", host: "p301", address: "203", pin: "112233", want: GuestNotAllowed, early: true},
		{name: "not enabled by the user", host: "p301", address: "201", pin: alicePIN, want: GuestDisabled, early: true, edit: func(e *directory.Enterprise) {
			paris(e).Users[0].Guest.Enabled = false
		}},
		{name: "no PIN", host: "p301", address: "201", pin: "", want: NoPIN, early: true, edit: func(e *directory.Enterprise) { paris(e).Users[0].PIN = "" }},
		{name: "of another site", host: "m301", address: "+33170001201", pin: alicePIN, want: OutOfScope, early: true},
		{name: "no limit where one is enforced", host: "p301", address: "202", pin: brunoPIN, want: LimitMissing, early: true,
			english: "limits the association period to 12\u00a0h", frenchText: "limite la période d’association à 12\u00a0h"},
		{name: "a longer limit than the host's", host: "p301", address: "201", pin: alicePIN, want: LimitTooLong, early: true, edit: func(e *directory.Enterprise) {
			paris(e).Users[0].Guest.LimitHours = 13
		}, english: "limit of 13\u00a0h exceeds the association period of this phone, 12\u00a0h", frenchText: "limite de 13\u00a0h dépasse la période"},
		{name: "one's own phone", host: "p203", address: "203", pin: "112233", want: GuestAtHome, early: true, edit: func(e *directory.Enterprise) {
			paris(e).Users[2].Phone.Host = &directory.Host{Enabled: true}
			paris(e).Users[2].Guest = directory.Guest{Allowed: true, Enabled: true}
		}},
		{name: "no host", host: "p203", address: "201", pin: alicePIN, want: HostDisabled, earlyAnyhow: true},
		{name: "host switched off", host: "p301", address: "201", pin: alicePIN, want: HostDisabled, earlyAnyhow: true, edit: func(e *directory.Enterprise) {
			paris(e).Workspaces[0].Phone.Host.Enabled = false
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, early := range []bool{false, true} {
				o := newOffice(t, &memory{}, func(e *directory.Enterprise) {
					if tt.edit != nil {
						tt.edit(e)
					}
					for _, s := range e.Sites {
						s.Hoteling.EarlyRefusal = early
					}
				})
				a, c := o.key(tt.host, Set{Guest: tt.address})
				if challenged := a == answerChallenge; challenged == (tt.earlyAnyhow || early && tt.early) {
					t.Errorf("early refusal %v: challenged %v", early, challenged)
				} else if challenged {
					a, _ = o.key(tt.host, Set{Guest: tt.address, Proof: &Proof{c.Nonce, Response(c.Nonce, tt.pin)}})
				}
				if tt.want == "" {
					if a != answerChanged || o.at(tt.host) == "" || len(o.desk.Refusals()) != 0 {
						t.Errorf("answer %d, at the host %q, refusals %v", a, o.at(tt.host), o.desk.Refusals())
					}
					continue
				}
				list := o.desk.Refusals()
				if a != answerState || o.at(tt.host) != "" || len(list) != 1 || list[0].Cause != tt.want || len(o.changes()) != 0 {
					t.Fatalf("answer %d, at the host %q, refusals %v, want %s", a, o.at(tt.host), list, tt.want)
				}
				if !strings.Contains(o.log.String(), "cause="+string(tt.want)) {
					t.Errorf("the log does not tell the cause: %s", o.log)
				}
				for _, secret := range []string{alicePIN, brunoPIN, "112233", "000000", "299"} {
					if strings.Contains(o.log.String(), secret) {
						t.Errorf("%s is in the log: %s", secret, o.log)
					}
				}
				if list[0].Guest != 0 && tt.want != WrongPIN && tt.want != NoPIN { // by the API's road, the same and with words
					_, err := o.desk.SignIn(t.Context(), o.ref(tt.host), list[0].Guest, ByAPI)
					no := asDenial(err)
					if no == nil || no.Cause != tt.want || !errors.Is(err, ErrDenied) {
						t.Fatalf("by the API: %v", err)
					}
					en, fr := no.Text(directory.English), no.Text(directory.French)
					if en == "" || fr == "" || en == fr || !strings.Contains(en, tt.english) || !strings.Contains(fr, tt.frenchText) {
						t.Errorf("%q, %q", en, fr)
					}
				}
			}
		})
	}
}

// TestChallengeIsGoodOnce: one answer, of that phone, for that guest, within thirty seconds.
func TestChallengeIsGoodOnce(t *testing.T) {
	prove := func(c Challenge, pin directory.Secret) *Proof { return &Proof{c.Nonce, Response(c.Nonce, pin)} }
	for name, f := range map[string]func(o *office, c Challenge) (answer, Cause){
		"in time": func(o *office, c Challenge) (answer, Cause) {
			time.Sleep(challengeTime)
			a, _ := o.key("p301", Set{"201", prove(c, alicePIN)})
			return a, ""
		},
		"too late": func(o *office, c Challenge) (answer, Cause) {
			time.Sleep(challengeTime + 1)
			a, _ := o.key("p301", Set{"201", prove(c, alicePIN)})
			return a, NoChallenge
		},
		"again after a wrong PIN": func(o *office, c Challenge) (answer, Cause) {
			o.key("p301", Set{"201", prove(c, "000000")})
			a, _ := o.key("p301", Set{"201", prove(c, alicePIN)})
			return a, NoChallenge
		},
		"superseded": func(o *office, c Challenge) (answer, Cause) {
			o.key("p301", Set{Guest: "201"})
			a, _ := o.key("p301", Set{"201", prove(c, alicePIN)})
			return a, NoChallenge
		},
		"for somebody else": func(o *office, c Challenge) (answer, Cause) {
			a, _ := o.key("p301", Set{"+15145550201", prove(c, danaPIN)})
			return a, NoChallenge
		},
		"on another phone": func(o *office, c Challenge) (answer, Cause) {
			var a answer
			_ = o.desk.do(o.t.Context(), func() { a, _ = o.desk.fromPhone(o.ref("p301"), "another dialog", Set{"201", prove(c, alicePIN)}) })
			return a, NoChallenge
		},
		"on another host": func(o *office, c Challenge) (answer, Cause) {
			a, _ := o.key("m301", Set{"201", prove(c, alicePIN)})
			return a, NoChallenge
		},
		"never asked": func(o *office, _ Challenge) (answer, Cause) {
			a, _ := o.key("p301", Set{"201", prove(Challenge{Nonce: "mine"}, alicePIN)})
			return a, NoChallenge
		},
		"host switched off meanwhile": func(o *office, c Challenge) (answer, Cause) {
			o.edit(func(e *directory.Enterprise) { e.Sites[0].Workspaces[0].Phone.Host.Enabled = false })
			a, _ := o.key("p301", Set{"201", prove(c, alicePIN)})
			return a, HostDisabled
		},
		"host taken meanwhile": func(o *office, c Challenge) (answer, Cause) {
			if _, err := o.desk.SignIn(o.t.Context(), o.ref("p301"), o.ref("m201"), ByAPI); err != nil {
				o.t.Error(err)
			}
			a, _ := o.key("p301", Set{"201", prove(c, alicePIN)})
			return a, HostTaken
		},
		"not kept": func(o *office, c Challenge) (answer, Cause) {
			o.store.breaks(errDisk)
			a, _ := o.key("p301", Set{"201", prove(c, alicePIN)})
			return a, NotKept
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOffice(t, &memory{})
				a, c := o.key("p301", Set{Guest: "201"})
				if a != answerChallenge || len(c.Nonce) < 22 {
					t.Fatalf("answer %d, nonce %q", a, c.Nonce)
				}
				a, cause := f(o, c)
				switch {
				case cause == "" && (a != answerChanged || o.at("p301") != "201"):
					t.Errorf("answer %d, at the host %q", a, o.at("p301"))
				case cause != "" && (a != answerState || o.desk.HostOf(o.live.Current(), o.user("p201")) != nil || o.desk.Refusals()[0].Cause != cause):
					t.Errorf("answer %d, at the host %q, refusals %v, want %s", a, o.at("p301"), o.desk.Refusals(), cause)
				}
				o.stop()
			})
		})
	}
}

// TestLockOut: five failures lock guest and host for a quarter of an hour, each by itself.
func TestLockOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := func(e *directory.Enterprise) {
			e.Sites[0].Workspaces[0].Phone.Host.EnforceLimit = false
			e.Sites[1].Workspaces[0].Phone.Host.Scope = directory.ScopeEnterprise
		}
		o := newOffice(t, &memory{}, open)
		const alice = "+33170001201"
		for range 5 {
			o.guestIn("p301", alice, "000000")
		}
		want := func(host, address string, pin directory.Secret, cause Cause) {
			t.Helper()
			a := o.guestIn(host, address, pin)
			if cause == "" && a != answerChanged || cause != "" && (a != answerState || o.desk.Refusals()[0].Cause != cause) {
				t.Errorf("%s on %s: answer %d, refusals %v, want %q", address, host, a, o.desk.Refusals()[:1], cause)
			}
		}
		want("p301", alice, alicePIN, Locked)
		want("m301", alice, alicePIN, Locked)         // the guest
		want("p301", "+15145550201", danaPIN, Locked) // the host
		want("m301", "+33170001202", brunoPIN, "")    // neither
		time.Sleep(lockTime - time.Second)            // what failed meanwhile did not lock any longer
		want("p301", alice, alicePIN, Locked)
		time.Sleep(time.Second)
		want("p301", alice, alicePIN, "")
		// Success forgets: four failures, a success, four failures.
		for range 2 {
			o.key("p301", Set{})
			for range 4 {
				o.guestIn("p301", alice, "000000")
			}
			want("p301", alice, alicePIN, "")
		}
		o.stop()
	})
}

// TestOneHostOneGuest: a guest who signs in elsewhere leaves the first host, a taken host stays taken, all is told.
func TestOneHostOneGuest(t *testing.T) {
	o := newOffice(t, &memory{}, func(e *directory.Enterprise) {
		e.Sites[1].Workspaces[0].Phone.Host.Scope = directory.ScopeEnterprise
	})
	paris, montreal, alice, dana := o.ref("p301"), o.ref("m301"), o.ref("p201"), o.ref("m201")
	if o.guestIn("p301", "201", alicePIN) != answerChanged || o.guestIn("m301", "+33170001201", alicePIN) != answerChanged {
		t.Fatal("not signed in")
	}
	want := []Change{{paris, alice, 0, ByPhone}, {paris, 0, alice, ByMove}, {montreal, alice, 0, ByPhone}}
	if got := o.changes(); !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
	if o.at("p301") != "" || o.at("m301") != "201" {
		t.Errorf("at Paris %q, at Montreal %q", o.at("p301"), o.at("m301"))
	}
	if o.guestIn("m301", "201", danaPIN) != answerState || o.at("m301") != "201" || o.user("m201").Ref != dana {
		t.Error("a taken host was given to another guest")
	}
	if _, err := o.desk.SignIn(t.Context(), montreal, dana, ByAPI); asDenial(err) == nil || asDenial(err).Cause != HostTaken {
		t.Errorf("by the API: %v", err)
	}
	// The same guest again is no news, whether proposed or proven.
	if a, _ := o.key("m301", Set{Guest: "+33170001201"}); a != answerState || len(o.changes()) != 0 {
		t.Error("a refresh that repeats the guest is news")
	}
	if a, _ := o.key("m301", Set{"+33170001201", &Proof{"old", "old"}}); a != answerState || o.at("m301") != "201" {
		t.Error("a repeated proof is judged")
	}
	// Guest Out, twice.
	if a, _ := o.key("m301", Set{}); a != answerChanged || o.at("m301") != "" {
		t.Error("not signed out")
	}
	if a, _ := o.key("m301", Set{}); a != answerState {
		t.Error("signing out nobody is news")
	}
	if len(o.store.kept()) != 0 {
		t.Errorf("stored %v", o.store.kept())
	}
}

// TestLimitEndsAssociation: at the limit, not a second later, and whatever the server did meanwhile.
func TestLimitEndsAssociation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, &memory{})
		o.guestIn("p301", "201", alicePIN)
		o.changes()
		a, _ := o.desk.On(o.ref("p301"))
		if left := a.Left(); left != 8*time.Hour {
			t.Fatalf("left %v, want 8 h", left)
		}
		for range 3 { // each restart keeps the deadline
			time.Sleep(2 * time.Hour)
			o.stop()
			time.Sleep(time.Minute)
			o.open()
		}
		a, ok := o.desk.On(o.ref("p301"))
		if want := 2*time.Hour - 3*time.Minute; !ok || a.Left() != want {
			t.Fatalf("after restarts: %v, left %v, want %v", ok, a.Left(), want)
		}
		time.Sleep(a.Left() - 1)
		synctest.Wait()
		if o.at("p301") != "201" {
			t.Error("signed out before the limit")
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if got := o.changes(); o.at("p301") != "" || len(got) != 1 || got[0].Cause != ByLimit || len(o.store.kept()) != 0 {
			t.Errorf("at the limit: at the host %q, told %v, stored %v", o.at("p301"), got, o.store.kept())
		}
		// A server that is down at the limit finds nobody signed in.
		o.guestIn("p301", "201", alicePIN)
		o.stop()
		time.Sleep(8 * time.Hour)
		o.open()
		if o.at("p301") != "" || len(o.store.kept()) != 0 {
			t.Errorf("down at the limit: at the host %q, stored %v", o.at("p301"), o.store.kept())
		}
		// A disk that fails does not keep a guest.
		o.guestIn("p301", "201", alicePIN)
		o.store.breaks(errDisk)
		time.Sleep(8 * time.Hour)
		synctest.Wait()
		if o.at("p301") != "" {
			t.Error("a failing disk keeps the guest")
		}
		o.stop()
	})
}

// TestDeadlineIgnoresWallClock: somebody who sets the clock changes no limit, before a restart and after.
func TestDeadlineIgnoresWallClock(t *testing.T) {
	o := newOffice(t, &memory{})
	o.guestIn("p301", "201", alicePIN)
	for range 2 {
		if a, ok := o.desk.On(o.ref("p301")); !ok || !strings.Contains(a.Until.String(), " m=") {
			t.Errorf("the deadline %v follows the wall clock", a.Until)
		}
		o.stop()
		o.open()
	}
}

// TestSettingsEndAssociation: who may no longer is signed out, who may stays.
func TestSettingsEndAssociation(t *testing.T) {
	for name, tt := range map[string]struct {
		edit func(e *directory.Enterprise)
		out  bool
	}{
		"nothing":           {func(*directory.Enterprise) {}, false},
		"a shorter limit":   {func(e *directory.Enterprise) { e.Sites[1].Users[0].Guest.LimitHours = 1 }, false},
		"guest not allowed": {func(e *directory.Enterprise) { e.Sites[1].Users[0].Guest.Allowed = false }, true},
		"guest disabled":    {func(e *directory.Enterprise) { e.Sites[1].Users[0].Guest.Enabled = false }, true},
		"host disabled":     {func(e *directory.Enterprise) { e.Sites[0].Workspaces[0].Phone.Host.Enabled = false }, true},
		"scope of the site": {func(e *directory.Enterprise) { e.Sites[0].Workspaces[0].Phone.Host.Scope = directory.ScopeSite }, true},
		"host gone":         {func(e *directory.Enterprise) { e.Sites[0].Workspaces = nil }, true},
		"guest gone":        {func(e *directory.Enterprise) { e.Sites[1].Users = nil }, true},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, &memory{})
			if o.guestIn("p301", "+15145550201", danaPIN) != answerChanged {
				t.Fatal("not signed in")
			}
			host := o.ref("p301")
			o.changes()
			o.edit(tt.edit)
			if _, in := o.desk.On(host); in == tt.out || len(o.store.kept()) == 0 != tt.out {
				t.Errorf("signed in: %v, stored %v", in, o.store.kept())
			}
			if got := o.changes(); tt.out && (len(got) != 1 || got[0].Cause != BySettings) || !tt.out && len(got) > 0 {
				t.Errorf("told %v", got)
			}
		})
	}
}

// TestHostOnSeveralPhones: a host's line is on one phone.
func TestHostOnSeveralPhones(t *testing.T) {
	o := newOffice(t, &memory{})
	regs := registered{{Instance: "mac:1"}, {Instance: "mac:1"}, {}}
	o.desk.cfg.Registrations = &regs
	if o.guestIn("p301", "201", alicePIN) != answerChanged {
		t.Error("one phone, registered by two flows, takes no guest")
	}
	o.key("p301", Set{})
	regs = append(regs, sip.Binding{Instance: "mac:2"})
	if o.guestIn("p301", "201", alicePIN) != answerState || o.desk.Refusals()[0].Cause != HostElsewhere {
		t.Errorf("two phones: %v", o.desk.Refusals())
	}
}

type registered []sip.Binding

func (r *registered) Bindings(aor sip.AOR) []sip.Binding {
	if aor != "+33170001301@paris.acme.test" {
		return nil
	}
	return *r
}

// TestStoreThatFails leaves everything as it was, and says so to those who may know.
func TestStoreThatFails(t *testing.T) {
	o := newOffice(t, &memory{})
	o.guestIn("p301", "201", alicePIN)
	o.changes()
	o.store.breaks(errDisk)
	if a, _ := o.key("p301", Set{}); a != answerState || o.at("p301") != "201" {
		t.Error("signed out without the store's knowledge")
	}
	if _, err := o.desk.SignOut(t.Context(), o.ref("p301"), ByAPI); !errors.Is(err, errDisk) {
		t.Errorf("by the API: %v", err)
	}
	if len(o.changes()) != 0 {
		t.Error("something is told that did not happen")
	}
}

// TestTwoRoadsRace: two guests by two roads want one host a thousand times. One wins, the other learns who did, and store and
// desk agree.
func TestTwoRoadsRace(t *testing.T) {
	o := newOffice(t, &memory{})
	host, dana := o.ref("p301"), o.ref("m201")
	wins := map[string]int{}
	for round := range 1000 {
		var wg sync.WaitGroup
		var phone answer
		var api error
		a, c := o.key("p301", Set{Guest: "201"})
		if a != answerChallenge {
			t.Fatalf("round %d: answer %d", round, a)
		}
		wg.Go(func() { phone, _ = o.key("p301", Set{"201", &Proof{c.Nonce, Response(c.Nonce, alicePIN)}}) })
		wg.Go(func() { _, api = o.desk.SignIn(context.Background(), host, dana, ByAPI) })
		wg.Wait()
		byPhone := phone == answerChanged
		if byPhone == (api == nil) {
			t.Fatalf("round %d: by phone %v, by API %v", round, byPhone, api)
		}
		if !byPhone && o.desk.Refusals()[0].Cause != HostTaken || byPhone && asDenial(api).Cause != HostTaken {
			t.Fatalf("round %d: the loser learns %v, %v", round, api, o.desk.Refusals()[0])
		}
		now, _ := o.desk.On(host)
		if kept := o.store.kept()[host]; kept.Guest != now.Guest || (now.Guest == dana) == byPhone || len(o.store.kept()) != 1 {
			t.Fatalf("round %d: by phone %v, desk %v, store %v", round, byPhone, now, kept)
		}
		wins[fmt.Sprint(byPhone)]++
		if was, err := o.desk.SignOut(context.Background(), host, ByAPI); !was || err != nil {
			t.Fatal(was, err)
		}
	}
	t.Logf("by phone: %v", wins)
}

// TestClosedDesk answers everybody.
func TestClosedDesk(t *testing.T) {
	o := newOffice(t, &memory{})
	o.stop()
	if _, err := o.desk.SignIn(t.Context(), o.ref("p301"), o.ref("p201"), ByAPI); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
	o.desk.Reexamine()
}

// TestPanicEndsOneRequest: the desk goes on.
func TestPanicEndsOneRequest(t *testing.T) {
	o := newOffice(t, &memory{})
	if err := o.desk.do(t.Context(), func() { panic("a fault") }); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
	if o.guestIn("p301", "201", alicePIN) != answerChanged {
		t.Error("the desk is dead")
	}
}

// TestWhoseIsIt is what calls ask.
func TestWhoseIsIt(t *testing.T) {
	o := newOffice(t, &memory{})
	dir := o.live.Current()
	alice, desk := o.user("p201"), o.user("p301")
	who := func() [4]any {
		return [4]any{o.desk.EffectiveUser(dir, desk.Phone), o.desk.EffectiveUser(dir, alice.Phone), o.desk.EffectiveUser(dir, alice.Softphones[0]), o.desk.HostOf(dir, alice)}
	}
	if got := who(); got != [4]any{desk, alice, alice, (*directory.Device)(nil)} {
		t.Errorf("at home: %v", got)
	}
	o.guestIn("p301", "201", alicePIN)
	if got := who(); got != [4]any{alice, alice, alice, desk.Phone} {
		t.Errorf("as a guest: %v", got)
	}
}
