package api

import (
	"testing"

	"passerelle/portal/events"
	"passerelle/portal/events/eventstest"
)

// eventsToken has the scope of events only.
const eventsToken = "events-token-of-the-tests"

// newEventLog runs a log that keeps most events; it ends with the test.
func newEventLog(t *testing.T, most int) *events.Log {
	t.Helper()
	l := events.NewLog(events.Config{Store: &eventstest.Memory{}, Most: most})
	if err := l.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	go func() { _ = l.Run(t.Context()) }() // ends with the test
	return l
}

// post posts events and waits until the log has them.
func post(t *testing.T, l *events.Log, list ...events.Draft) {
	t.Helper()
	for _, d := range list {
		at, err := l.Cursor("", events.Latest)
		if err != nil {
			t.Fatal(err)
		}
		news := l.News(at)
		l.Post(d)
		<-news
	}
}
