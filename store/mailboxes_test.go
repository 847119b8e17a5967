package store

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"passerelle/call/events"
)

// TestMailboxesOutliveTheServer sets what waits and reads it from the file again.
func TestMailboxesOutliveTheServer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passerelle.db")
	open := func() (*Store, *Mailboxes) {
		s, err := Open(path, Key{1})
		if err != nil {
			t.Fatal(err)
		}
		m, err := s.LoadMailboxes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s, m
	}
	s, m := open()
	want := events.Summary{Waiting: true, Account: "sip:box@vm.test", Counts: []events.Count{{Class: events.VoiceMessage, New: 2, Old: 8, UrgentNew: 1, UrgentKnown: true}}}
	for _, summary := range []events.Summary{events.Voice(1, 0), want} {
		if err := m.SetSummary(t.Context(), "201@site.test", summary); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, m = open()
	defer s.Close()
	if diff := cmp.Diff(want, m.Summary("201@site.test")); diff != "" {
		t.Error("after a restart (-want +got):\n" + diff)
	}
	if other := m.Summary("202@site.test"); other.Waiting {
		t.Errorf("another line has %+v", other)
	}
}
