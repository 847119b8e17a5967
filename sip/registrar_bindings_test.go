package sip

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func contactsOf(list []Binding) string {
	var s []string
	for _, b := range list {
		s = append(s, b.Contact)
	}
	return strings.Join(s, " | ")
}

func TestBindingsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistrar(RegistrarConfig{MaxBindings: 3}, nil)
		for i := 1; i <= 5; i++ {
			wantStatus(t, apply(t, r, fmt.Sprintf("%d@h", i), 1, fmt.Sprintf("Contact: <sip:u@h%d>", i)), 200)
			if i == 4 { // h2 did not answer lately, so it goes before h3
				b := Binding{AOR: annAOR, Contact: "sip:u@h3"}
				r.Demote(b.Key())
			}
			time.Sleep(time.Second)
		}
		if got := contactsOf(r.Bindings(annAOR)); got != "sip:u@h5 | sip:u@h4 | sip:u@h2" {
			t.Errorf("bindings %s", got)
		}
		wantStatus(t, apply(t, r, "many@h", 1, "Contact: <sip:u@i1>, <sip:u@i2>, <sip:u@i3>, <sip:u@i4>"), 403)
	})
}

func TestBindingsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistrar(RegistrarConfig{}, nil)
		for i, q := range []string{"", ";q=0.2", "", ";q=0.9"} {
			apply(t, r, fmt.Sprintf("%d@h", i), 1, fmt.Sprintf("Contact: <sip:u@h%d>%s", i, q))
			time.Sleep(time.Second)
		}
		if got, want := contactsOf(r.Bindings(annAOR)), "sip:u@h2 | sip:u@h0 | sip:u@h3 | sip:u@h1"; got != want {
			t.Errorf("order %s, want %s", got, want)
		}
		b := Binding{AOR: annAOR, Contact: "sip:u@h2"}
		r.Demote(b.Key())
		if got, want := contactsOf(r.Bindings(annAOR)), "sip:u@h0 | sip:u@h3 | sip:u@h1 | sip:u@h2"; got != want {
			t.Errorf("order %s, want %s", got, want)
		}
		apply(t, r, "2@h", 2, "Contact: <sip:u@h2>")
		if got, want := contactsOf(r.Bindings(annAOR)), "sip:u@h2 | sip:u@h0 | sip:u@h3 | sip:u@h1"; got != want {
			t.Errorf("order %s, want %s", got, want)
		}
	})
}

func TestFlowClosed(t *testing.T) {
	r := NewRegistrar(RegistrarConfig{}, nil)
	tcp := phoneAt("198.51.100.7:40001")
	tcp.Transport, tcp.Flow = "TCP", 7
	bind := func(cseq int, src Source) {
		t.Helper()
		wantStatus(t, r.Apply(register(t, "a@h", cseq, fmt.Sprint("x", cseq), "Contact: <sip:u@h;transport=tcp>"), src, annAOR, "u"), 200)
	}
	bind(1, tcp)
	if b := r.Bindings(annAOR); len(b) != 1 || b[0].Source != tcp {
		t.Fatalf("bindings %+v", b)
	}
	r.FlowClosed(7)
	if b := r.Bindings(annAOR); len(b) != 0 {
		t.Errorf("a phone without connection is dialled: %+v", b)
	}
	all := slices.Collect(r.All())
	if len(all) != 1 || all[0].Reachable() || r.Count() != 1 {
		t.Errorf("all %+v, count %d", all, r.Count())
	}
	bind(2, tcp) // still on its way when the connection closed
	if b := r.Bindings(annAOR); len(b) != 0 {
		t.Errorf("bound to a dead connection: %+v", b)
	}
	tcp.Flow = 8
	bind(3, tcp)
	r.FlowClosed(7) // again, and of no consequence
	if b := r.Bindings(annAOR); len(b) != 1 || b[0].Source.Flow != 8 {
		t.Errorf("bindings %+v", b)
	}
}

func TestObserversHearOfChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistrar(RegistrarConfig{}, nil)
		var heard []string
		r.OnChange(func(c Change) { heard = append(heard, c.Kind.String()+" "+c.Binding.Contact) })
		stop := running(t, r)
		tcp := phoneAt("198.51.100.9:40000")
		tcp.Transport, tcp.Flow = "TCP", 9
		apply(t, r, "a@h", 1, "Contact: <sip:u@a>;expires=60")
		apply(t, r, "a@h", 2, "Contact: <sip:u@a>;expires=60")
		r.Apply(register(t, "t@h", 1, "x", "Contact: <sip:u@t>"), tcp, annAOR, "u")
		r.FlowClosed(9)
		apply(t, r, "b@h", 1, "Contact: <sip:u@b>;expires=600;+sip.instance=\"<urn:uuid:1>\"")
		apply(t, r, "c@h", 1, "Contact: <sip:u@c>;expires=600;+sip.instance=\"<urn:uuid:1>\"")
		apply(t, r, "c@h", 2, "Contact: <sip:u@c>;expires=0")
		time.Sleep(70 * time.Second)
		stop()
		want := []string{"registered sip:u@a", "refreshed sip:u@a", "registered sip:u@t", "flow lost sip:u@t",
			"registered sip:u@b", "refreshed sip:u@c", "unregistered sip:u@c", "expired sip:u@a"}
		if !slices.Equal(heard, want) {
			t.Errorf("heard\n%q\nwant\n%q", heard, want)
		}
	})
}

func TestRegisteredFlowsAndRecordsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistrar(RegistrarConfig{}, nil)
		defer running(t, r)()
		for i := range 100 {
			src := phoneAt("198.51.100.9:40000")
			src.Transport, src.Flow = "TCP", FlowID(i+1)
			aor := AOR(fmt.Sprintf("u%d@site.test", i))
			r.Apply(register(t, "t@h", 1, "x", "Contact: <sip:u@t>;expires=60"), src, aor, "u")
			r.FlowClosed(src.Flow)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		records := 0
		for i := range r.shards {
			records += len(r.shards[i].byAOR) + len(r.shards[i].urgent)
		}
		if records != 0 || len(r.flows.byFlow) != 0 || len(r.flows.gone) != 0 || r.Count() != 0 {
			t.Errorf("left: %d records, %d flows, %d gone, %d bindings", records, len(r.flows.byFlow), len(r.flows.gone), r.Count())
		}
	})
}

func TestPrune(t *testing.T) {
	r := NewRegistrar(RegistrarConfig{}, nil)
	for i := range 10 {
		r.Apply(register(t, "t@h", 1, "x", "Contact: <sip:u@a>, <sip:u@b>"), phoneAt("198.51.100.9:40000"), AOR(fmt.Sprintf("u%d@site.test", i)), fmt.Sprint(i))
	}
	if n := r.Prune(func(b *Binding) bool { return b.Username == "3" }); n != 18 || r.Count() != 2 || len(r.Bindings("u3@site.test")) != 2 {
		t.Errorf("%d ended, %d left", n, r.Count())
	}
}

func TestJitter(t *testing.T) {
	r := NewRegistrar(RegistrarConfig{Jitter: 0.2}, nil)
	seen := map[string]bool{}
	for i := range 50 {
		res := apply(t, r, "a@h", i+1, "Contact: <sip:u@h>;expires=1000")
		c := values(res, "Contact")
		seen[c] = true
		var n int
		if _, err := fmt.Sscanf(c, "<sip:u@h>;expires=%d", &n); err != nil || n < 800 || n > 1000 {
			t.Fatalf("granted %q, want 800 to 1000", c)
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %d different intervals", len(seen))
	}
	if res := apply(t, r, "a@h", 100, "Contact: <sip:u@h>;expires=60"); values(res, "Contact") != "<sip:u@h>;expires=60" {
		t.Errorf("the shortest interval was shortened: %s", values(res, "Contact"))
	}
}

func TestRegistrarConfigValidate(t *testing.T) {
	for _, tc := range []struct {
		cfg  RegistrarConfig
		want string
	}{
		{RegistrarConfig{}, ""},
		{RegistrarConfig{MinExpires: 10 * time.Minute, MaxExpires: 20 * time.Minute}, ""},
		{RegistrarConfig{MinExpires: 2 * time.Hour}, "min_expires: 2h0m0s is not between 1s and 1h"},
		{RegistrarConfig{MinExpires: 10 * time.Minute, MaxExpires: time.Minute}, "min_expires: 10m0s is above max_expires 1m0s"},
		{RegistrarConfig{DefaultExpires: time.Second}, "default_expires: 1s"},
		{RegistrarConfig{Jitter: 0.9}, "jitter: 0.9"},
		{RegistrarConfig{MaxBindings: -1}, "max_bindings: -1"},
	} {
		err := tc.cfg.Validate()
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %q", tc.cfg, err, tc.want)
		}
	}
}
