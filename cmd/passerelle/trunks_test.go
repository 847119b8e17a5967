package main

import (
	"strings"
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/directory/sitefile"
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
