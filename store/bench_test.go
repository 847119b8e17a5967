package store_test

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"passerelle/sip"
	"passerelle/store"
	"passerelle/store/storetest"
)

func BenchmarkImport10000(b *testing.B) {
	for i := range b.N {
		b.StopTimer()
		s, err := store.Open(filepath.Join(b.TempDir(), fmt.Sprint(i)), storetest.Key)
		if err != nil {
			b.Fatal(err)
		}
		e := bulk(10_000)
		b.StartTimer()
		if err := s.Import(context.Background(), e, nil); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		s.Close()
		b.StartTimer()
	}
}

func BenchmarkLoad10000(b *testing.B) {
	s := storetest.New(b)
	if err := s.Import(context.Background(), bulk(10_000), nil); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Load(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSaveBindings10000 is the registrar's write of refreshed bindings once a minute.
func BenchmarkSaveBindings10000(b *testing.B) {
	s := storetest.New(b)
	bindings := make([]sip.Binding, 10_000)
	for i := range bindings {
		bindings[i] = sip.Binding{
			AOR: sip.NewAOR(fmt.Sprintf("+331800%05d", i), "bulk.test"), Contact: fmt.Sprintf("sip:user%d@192.0.2.1:5060", i),
			CallID: "8f1c2233-4455@192.0.2.1", CSeq: uint32(i), Expires: time.Now(), Since: time.Now(), Refreshed: time.Now(),
			Source:   sip.Source{Transport: "UDP", Remote: netip.MustParseAddrPort("192.0.2.1:5060"), Local: netip.MustParseAddrPort("192.0.2.2:5060")},
			Username: fmt.Sprintf("user%d", i), UserAgent: "Cisco-CP-8851-3PCC/11.3.7",
		}
	}
	for b.Loop() {
		if err := s.SaveBindings(context.Background(), bindings, nil); err != nil {
			b.Fatal(err)
		}
	}
}
