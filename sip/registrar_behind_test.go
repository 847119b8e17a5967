package sip

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestBehindSaysSinceWhen has a store that fails for a while.
func TestBehindSaysSinceWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistrar(RegistrarConfig{}, nil)
		if r.Behind() != nil {
			t.Error("behind before it began")
		}
		began := time.Now()
		broken := errors.New("disk full")
		r.wrote(broken, began)
		time.Sleep(time.Minute)
		r.wrote(broken, time.Now())
		if b := r.Behind(); b == nil || !b.Since.Equal(began) || !errors.Is(b.Err, broken) {
			t.Errorf("%+v", b)
		}
		if r.wrote(nil, time.Now()); r.Behind() != nil {
			t.Error("still behind")
		}
	})
}
