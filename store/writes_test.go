package store

import (
	"testing"
	"time"
)

func TestWritesGiveTheMiddle(t *testing.T) {
	var w writes
	now := time.Unix(1e9, 0)
	if got := w.middle(now); got != 0 {
		t.Error(got)
	}
	for i := range 40 { // the first 24 are forgotten
		took := time.Millisecond
		if i >= 24 {
			took = time.Duration(i) * time.Second
		}
		w.add(now, took)
	}
	if got := w.middle(now); got != 32*time.Second {
		t.Error(got)
	}
	if got := w.middle(now.Add(writesCount + time.Second)); got != 0 {
		t.Error(got)
	}
}
