package store_test

import (
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"passerelle/sip"
	"passerelle/store/storetest"
)

// TestBindingsSurvive wants a binding back with everything the registrar needs to reach the phone.
func TestBindingsSurvive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passerelle.db")
	s := storetest.Open(t, path)
	now := time.Date(2026, 3, 29, 1, 59, 59, 123456789, time.UTC)
	phone := sip.Binding{
		AOR: "+33170001201@paris.acme.test", Contact: "sip:+33170001201@192.0.2.9:5072;transport=tcp", Params: `;+sip.instance="<urn:uuid:1>"`,
		Instance: "<urn:uuid:1>", RegID: 1, Q: 1000, CallID: "8f1c-22@192.0.2.9", CSeq: 101,
		Since: now, Refreshed: now.Add(time.Minute), Expires: now.Add(time.Hour), Path: []string{"<sip:edge.test;lr>"},
		Source:   sip.Source{Transport: "TCP", Remote: netip.MustParseAddrPort("192.0.2.9:40001"), Local: netip.MustParseAddrPort("[2001:db8::1]:5060"), Flow: 7},
		Username: "+33170001201", UserAgent: "Cisco-CP-8851-3PCC/11.3.7",
	}
	second := phone
	second.Instance, second.Contact = "", "sip:other@192.0.2.10"
	if err := s.SaveBindings(t.Context(), []sip.Binding{phone, second}, nil); err != nil {
		t.Fatal(err)
	}
	storetest.Close(t, s)
	s = storetest.Open(t, path)
	got, err := s.LoadBindings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byKey := cmpopts.SortSlices(func(a, b sip.Binding) bool { return a.Key().ID < b.Key().ID })
	addr := cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })
	if diff := cmp.Diff([]sip.Binding{phone, second}, got, byKey, addr); diff != "" {
		t.Error(diff)
	}

	// A refresh replaces, and a removal together with the same binding's return keeps it.
	phone.CSeq, second.CSeq = 102, 102
	if err := s.SaveBindings(t.Context(), []sip.Binding{phone}, []sip.BindingKey{phone.Key(), second.Key()}); err != nil {
		t.Fatal(err)
	}
	if got, err = s.LoadBindings(t.Context()); err != nil || len(got) != 1 || got[0].CSeq != 102 {
		t.Errorf("after refresh and removal: %+v, %v", got, err)
	}
}

// TestBindingsOutliveAnImport wants the phones to stay registered when their site is imported anew.
func TestBindingsOutliveAnImport(t *testing.T) {
	s := storetest.New(t)
	importInto(t, s, demo())
	b := sip.Binding{AOR: "+33170001201@paris.acme.test", Contact: "sip:a@192.0.2.9"}
	if err := s.SaveBindings(t.Context(), []sip.Binding{b}, nil); err != nil {
		t.Fatal(err)
	}
	importInto(t, s, demo())
	if got, err := s.LoadBindings(t.Context()); err != nil || len(got) != 1 {
		t.Errorf("%d bindings, %v", len(got), err)
	}
}
