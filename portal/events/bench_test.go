package events_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"passerelle/portal/events"
	"passerelle/portal/events/eventstest"
	"passerelle/store"
)

// BenchmarkPost is what it costs whoever tells of something.
func BenchmarkPost(b *testing.B) {
	log := events.NewLog(events.Config{Store: &eventstest.Memory{}, Waiting: 1 << 30})
	for b.Loop() {
		log.Post(events.Draft{Type: events.CallBegan, Data: note{N: 1}})
	}
}

// BenchmarkAppend writes batches of a thousand events of the usual size into a store on the disk.
func BenchmarkAppend(b *testing.B) {
	dir := b.TempDir()
	key, _, err := store.FindKey(store.KeySource{Generate: filepath.Join(dir, "key")})
	if err != nil {
		b.Fatal(err)
	}
	st, err := store.Open(filepath.Join(dir, "bench.db"), key)
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	data := []byte(`{"text":"` + strings.Repeat("a", 300) + `"}`)
	list := make([]events.Event, 1000)
	for i := range list {
		list[i] = events.Event{Type: events.CallEnded, Time: time.Now(), Sites: []string{"paris.acme.test"}, Data: data}
	}
	bounds := events.Bounds{Most: 20_000}
	for b.Loop() {
		if _, err := st.AppendEvents(b.Context(), list, bounds); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "events/s")
}
