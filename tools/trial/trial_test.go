package main

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestScenariosExist keeps the repertoire and the scenarios together: every act's file is there, and every key that the
// file wants is given.
func TestScenariosExist(t *testing.T) {
	s := &soak{}
	s.root, s.bin, s.sip = "../..", "bin", "127.0.0.1:5060"
	for _, a := range acts {
		program, args := a.args(s, rand.New(rand.NewPCG(1, 2)), 3)
		if program != "sipp" {
			continue
		}
		file := args[slices.Index(args, "-sf")+1]
		text, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("%s: %v", a.name, err)
			continue
		}
		for _, key := range []string{"dial", "k12", "crlf", "line", "domain"} {
			if strings.Contains(string(text), "["+key+"]") != slices.Contains(args, key) {
				t.Errorf("%s: -key %s and %s do not agree", a.name, key, filepath.Base(file))
			}
		}
		for _, played := range []string{"wrong3.pcap", "digits.pcap"} {
			if strings.Contains(string(text), `"`+played) && !slices.Contains(propNames(), played) {
				t.Errorf("%s plays %s, which is not among the props", a.name, played)
			}
		}
	}
}

// TestStepsExist keeps calls between lines and the lists of steps together.
func TestStepsExist(t *testing.T) {
	for _, a := range calls {
		begins := a.roles[len(a.roles)-1]
		for i, r := range a.roles {
			text, err := os.ReadFile(filepath.Join("../../testdata/sipp/calls", r.steps+".steps"))
			if err != nil {
				t.Errorf("%s: %v", a.name, err)
			}
			if waits := !strings.Contains(string(text), "\ndial "); waits != (i < len(a.roles)-1) && begins != r {
				t.Errorf("%s: %s does not wait for its call, or the last does", a.name, r.steps)
			}
		}
	}
}

// TestBadLine counts what a bad line loses, and that what is late does come.
func TestBadLine(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var mu sync.Mutex
	came := 0
	const sent = 5000
	for range sent {
		pass(r, []byte("x"), func([]byte) {
			mu.Lock()
			came++
			mu.Unlock()
		})
	}
	lost := func() int {
		mu.Lock()
		defer mu.Unlock()
		return sent - came
	}
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end) && lost() > sent*lossyDrop*1.2; {
		time.Sleep(time.Millisecond)
	}
	if n := lost(); n < sent*lossyDrop*0.8 || n > sent*lossyDrop*1.2 {
		t.Errorf("%d of %d lost, want a tenth", n, sent)
	}
}

func propNames() (names []string) {
	for link := range props(7001) {
		names = append(names, link)
	}
	return names
}

func TestChooseByWeight(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	total, drawn := 0, map[string]int{}
	for _, a := range repertoire {
		total += a.weight
	}
	const rounds = 20000
	for range rounds {
		drawn[choose(r).name]++
	}
	for _, a := range repertoire {
		want := float64(rounds) * float64(a.weight) / float64(total)
		if got := float64(drawn[a.name]); got < want*0.8 || got > want*1.2 {
			t.Errorf("%s was drawn %.0f times, want about %.0f", a.name, got, want)
		}
	}
}

func TestComplaintSkipsRemarks(t *testing.T) {
	dir := t.TempDir()
	text := "Discarding message which can't be mapped to a known SIPp call:\nBYE sip:x\n2026\tAborting call on unexpected message: 486\n"
	if err := os.WriteFile(filepath.Join(dir, "errors.log"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := complaint(dir); got != "Aborting call on unexpected message: 486\n" {
		t.Errorf("got %q", got)
	}
}

func TestReport(t *testing.T) {
	var r report
	round := func(per1000 float64) conference {
		var c conference
		if err := json.Unmarshal([]byte(`{"calls":300,"calls_up":300,"rx_pps":15000,"cpu":{"server_cores":0.12}}`), &c); err != nil {
			t.Fatal(err)
		}
		c.CPU.Per1000 = per1000
		return c
	}
	r.Echo = []conference{round(0.5), round(0.4)}
	r.Bridge = []conference{round(0.8), round(0.9)}
	var reg registration
	if err := json.Unmarshal([]byte(`{"ops_per_s":1000,"timeouts":1,"final_status":{"200":99,"403":2},"server":{"cpu_us_per_op":16}}`), &reg); err != nil {
		t.Fatal(err)
	}
	reg.Name = "refresh"
	r.Register = []registration{reg}
	if got := r.echoedPacket(); got != 8 {
		t.Errorf("an echoed packet costs %v µs, want 8: 0.12 cores at 15 000 packets a second", got)
	}
	md := r.markdown()
	for _, want := range []string{"| passerelle | 0.800 | **2.00** |", "| refresh | 16.0 | 2.00 | 1000 |", "| 3 |"} {
		if !strings.Contains(md, want) {
			t.Errorf("the summary lacks %q:\n%s", want, md)
		}
	}
	if err := r.write(t.TempDir()); err == nil || !strings.Contains(err.Error(), "refresh: 3 failed") {
		t.Errorf("got %v, want the failed registrations told", err)
	}
}

func TestCallsReport(t *testing.T) {
	var x callRound
	x.EchoMedia.CPU.Per1000, x.EchoChurn = 0.4, churn{PerCall: 0.5, PDD: quantiles{P50: 0.2, P99: 1}}
	x.Own.Calls, x.Own.Up, x.Own.CPU.Per1000 = 100, 100, 1
	x.Own.Churn = []churn{{Placed: 2000, Succeeded: 2000, PerCall: 2, PDD: quantiles{P50: 1, P99: 5}}}
	x.Phones.Calls.Started, x.Phones.Calls.Completed = 2000, 2000
	if err := x.failed(); err != nil {
		t.Error(err)
	}
	r := report{Calls: []callRound{x}}
	if md, want := r.markdown(), "| 1 passerelle | 1.000 | **2.50** | 2.00 | **4.0** | 1.00 / 5.00 | **5.0** |"; !strings.Contains(md, want) {
		t.Errorf("the summary lacks %q:\n%s", want, md)
	}
	r.Calls[0].Phones.Calls.Completed = 1999
	if err := r.write(t.TempDir()); err == nil || !strings.Contains(err.Error(), "1 of 2000 calls between phones failed") {
		t.Errorf("got %v, want the failed call told", err)
	}
}
