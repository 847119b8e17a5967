package gateway

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestCollect(t *testing.T) {
	type step struct {
		after time.Duration
		keys  string
	}
	tests := []struct {
		name     string
		full     int
		prompt   time.Duration // when it ends; zero: at once
		steps    []step
		want     string
		wantTime time.Duration
		late     bool // the ID before ended by its full length
	}{
		{"hash ends", 11, 0, []step{{time.Second, "123#"}}, "123", time.Second, false},
		{"full length ends", 4, 0, []step{{time.Second, "1234"}}, "1234", time.Second, false},
		{"the gap ends", 11, 0, []step{{time.Second, "12"}, {4 * time.Second, "3"}}, "123", 10 * time.Second, false},
		{"nothing typed", 11, 3 * time.Second, nil, "", 13 * time.Second, false},
		{"typed over the prompt", 4, 3 * time.Second, []step{{time.Second, "12"}, {time.Second, "34"}}, "1234", 2 * time.Second, false},
		{"the prompt's end does not lengthen a gap", 11, 5 * time.Second, []step{{time.Second, "12"}}, "12", 6 * time.Second, false},
		{"star corrects", 4, 0, []step{{time.Second, "12*4321"}}, "4321", time.Second, false},
		{"letters are no digits", 4, 0, []step{{time.Second, "1A2B3C4"}}, "1234", time.Second, false},
		{"no full length", 0, 0, []step{{time.Second, "1234567890"}}, "1234567890", 6 * time.Second, false},
		{"longer than any ID", 0, 0, []step{{time.Second, "12345678901234567890#"}}, "1234567890123456", time.Second, false},
		{"stars for ever", 4, 0, []step{{time.Second, "*"}, {4 * time.Second, "*"}, {4 * time.Second, "*"}, {4 * time.Second, "*"}, {4 * time.Second, "*"},
			{4 * time.Second, "*"}, {4 * time.Second, "*"}, {4 * time.Second, "*"}, {4 * time.Second, "*"}, {4 * time.Second, "*"}, {4 * time.Second, "*"},
			{4 * time.Second, "*"}, {4 * time.Second, "*"}, {4 * time.Second, "*"}, {4 * time.Second, "*"}}, "", time.Minute, false},
		{"letters keep nobody waiting", 4, 0, []step{{6 * time.Second, "A"}}, "", 10 * time.Second, false},
		{"hash alone", 11, 0, []step{{time.Second, "#"}}, "", time.Second, false},
		{"hash of the ID before", 4, 0, []step{{time.Second, "#12"}, {time.Second, "34"}}, "1234", 2 * time.Second, true},
		{"hash of the ID before, then nothing", 4, 3 * time.Second, []step{{time.Second, "#"}}, "", 13 * time.Second, true},
		{"two hashes", 4, 0, []step{{time.Second, "##"}}, "", time.Second, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				keys, prompted := make(chan byte), make(chan struct{})
				ctx, stop := context.WithCancel(t.Context())
				time.AfterFunc(tt.prompt, func() { close(prompted) })
				go func() {
					for _, s := range tt.steps {
						time.Sleep(s.after)
						for i := range len(s.keys) {
							select {
							case keys <- s.keys[i]:
							case <-ctx.Done():
								return
							}
						}
					}
				}()
				start := time.Now()
				got, err := collect(ctx, keys, prompted, tt.full, tt.late, func() {})
				took := time.Since(start)
				stop()
				if err != nil || got != tt.want || took != tt.wantTime {
					t.Errorf("got %q, %v after %v; want %q after %v", got, err, took, tt.want, tt.wantTime)
				}
			})
		})
	}
}

func TestCollectEndsWithTheLeg(t *testing.T) {
	gone := errors.New("gone")
	ctx, end := context.WithCancelCause(t.Context())
	end(gone)
	if _, err := collect(ctx, nil, nil, 4, false, func() {}); !errors.Is(err, gone) {
		t.Errorf("got %v, want the cause of the leg's end", err)
	}
}
