package store_test

import (
	"bytes"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/store/storetest"
)

func TestAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := t.TempDir() + "/data.db"
		s := storetest.Open(t, path)
		a, day := s.Answers(), time.Now().Add(24*time.Hour)
		begin := func(key, data string) (string, bool) {
			earlier, kept, err := a.Begin(t.Context(), key, []byte(data), day)
			if err != nil {
				t.Fatal(err)
			}
			return string(earlier), kept
		}
		if earlier, kept := begin("o/k", "one"); earlier != "" || !kept {
			t.Errorf("first: %q, %v", earlier, kept)
		}
		if earlier, kept := begin("o/k", "two"); earlier != "one" || kept {
			t.Errorf("second: %q, %v", earlier, kept)
		}
		if err := a.Keep(t.Context(), "o/k", []byte("space 48213907752"), day); err != nil {
			t.Fatal(err)
		}
		if err := a.Forget(t.Context(), "o/none"); err != nil {
			t.Error(err)
		}
		storetest.Close(t, s)
		if raw, err := os.ReadFile(path); err != nil || bytes.Contains(raw, []byte("48213907752")) {
			t.Errorf("%v, or the answer is in the file in clear", err)
		}
		a = storetest.Open(t, path).Answers()
		if earlier, _ := begin("o/k", "three"); earlier != "space 48213907752" {
			t.Errorf("after a restart: %q", earlier)
		}
		if err := a.Forget(t.Context(), "o/k"); err != nil {
			t.Error(err)
		}
		if earlier, kept := begin("o/k", "four"); earlier != "" || !kept {
			t.Errorf("forgotten: %q, %v", earlier, kept)
		}
		time.Sleep(24 * time.Hour)
		if earlier, kept := begin("o/k", "five"); earlier != "" || !kept {
			t.Errorf("a day later: %q, %v", earlier, kept)
		}
	})
}

func TestAnswersAreBounded(t *testing.T) {
	a := storetest.New(t).Answers()
	a.Limit(3, 2)
	day := time.Now().Add(24 * time.Hour)
	for _, c := range []struct {
		key  string
		kept bool
	}{{"one/1", true}, {"one/2", true}, {"one/3", false}, {"two/1", true}, {"three/1", false}} {
		earlier, kept, err := a.Begin(t.Context(), c.key, nil, day)
		if err != nil || kept != c.kept || earlier != nil {
			t.Errorf("%s: %v, %v", c.key, kept, err)
		}
	}
	if err := a.Forget(t.Context(), "one/1"); err != nil {
		t.Fatal(err)
	}
	if _, kept, err := a.Begin(t.Context(), "three/1", nil, day); err != nil || !kept {
		t.Errorf("with room again: %v, %v", kept, err)
	}
}
