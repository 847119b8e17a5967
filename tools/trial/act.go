package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// act is one thing that callers do: a SIPp scenario or a group of confload.
type act struct {
	name   string
	weight int
	killed bool // by SIGKILL at a random moment, which is how phones lose their power
	args   func(s *soak, r *rand.Rand, slot int) (program string, args []string)
	during func(s *soak, space string) // beside the running act

	roles []role // of a call between lines, instead of args
	fate  fate
}

const (
	gatewayURI = "sip:+33170001000@bench.test"
	soakUsers  = 200
	soakSpaces = 60 // vanished callers hold their seats for a minute and a half
)

// acts is the repertoire.
var acts = []act{
	{name: "types, stays, hangs up", weight: 5, args: sipp("phone_call.xml", typed, stays(4000, 15000))},
	{name: "types, is killed", weight: 4, killed: true, args: sipp("phone_call.xml", typed, stays(20000, 20000))},
	{name: "types over TCP, hangs up", weight: 2, args: sipp("phone_call.xml", typed, stays(4000, 15000), tcp)},
	{name: "types over TCP, is killed", weight: 2, killed: true, args: sipp("phone_call.xml", typed, stays(20000, 20000), tcp)},
	{name: "types by INFO, hangs up", weight: 2, args: sipp("info_relay.xml", typed, keyed, stays(1000, 8000))},
	{name: "enters by URI, hangs up", weight: 5, args: sipp("seat.xml", entered, stays(50, 15000))},
	{name: "enters by URI, is killed", weight: 3, killed: true, args: sipp("seat.xml", entered, stays(20000, 20000))},
	{name: "enters over TCP, is killed", weight: 2, killed: true, args: sipp("seat.xml", entered, stays(20000, 20000), tcp)},
	{name: "enters and vanishes", weight: 3, args: sipp("vanish.xml", entered, stays(50, 8000))},
	{name: "holds and resumes", weight: 3, args: sipp("hold.xml", entered)},
	{name: "is killed on hold", weight: 2, killed: true, args: sipp("hold.xml", entered)},
	{name: "refreshes its session timer", weight: 1, args: sipp("session_timer.xml", entered)},
	{name: "types wrong IDs", weight: 2, args: sipp("wrong_ids.xml", typed)},
	{name: "is killed over wrong IDs", weight: 2, killed: true, args: sipp("wrong_ids.xml", typed)},
	{name: "cancels at once", weight: 2, args: sipp("cancel_at_once.xml", typed, tcp, "-default_behaviors", "all,-abortunexp", "-key", "crlf", "\r\n", "-m", "5", "-r", "20")},
	{name: "cancels after 100", weight: 2, args: sipp("cancel_after_100.xml", "-i", "127.0.0.2", "-key", "dial", gatewayURI, "-m", "5", "-r", "20", "-default_behaviors", "all,-abortunexp")},
	{name: "never acknowledges", weight: 1, args: sipp("no_ack.xml", entered)},
	{name: "offers no SDP", weight: 1, args: sipp("delayed_offer.xml", typed, stays(4000, 8000))},
	{name: "has no codec of ours", weight: 1, args: sipp("no_codec.xml", "-i", "127.0.0.2", "-key", "dial", gatewayURI)},
	{name: "dials nobody", weight: 1, args: sipp("not_found.xml", "-key", "dial", "sip:8888888@bench.test")},
	{name: "registers, unregisters", weight: 2, args: sipp("line.xml", line, stays(100, 4000))},
	{name: "registers, is killed", weight: 2, killed: true, args: sipp("line.xml", line, stays(4000, 4000))},
	{name: "registers over TCP, unregisters", weight: 2, args: sipp("line.xml", line, tcp, stays(100, 4000))},
	{name: "registers over TCP, is killed", weight: 2, killed: true, args: sipp("line.xml", line, tcp, stays(4000, 4000))},
	{name: "is removed", weight: 1, args: sipp("removed.xml", own), during: removeAll},
	{name: "group of eight", weight: 1, args: group},
	{name: "group of eight is killed", weight: 1, killed: true, args: group},
}

// Words that sipp fills in for each act anew.
const (
	typed   = "TYPED"   // dials the gateway number, types a space ID
	entered = "ENTERED" // dials the gateway number with a space ID
	own     = "OWN"     // the same with a space that no other act uses
	keyed   = "KEYED"   // sends the space ID by INFO
	line    = "LINE"    // is a line of its own
	tcp     = "TCP"
	stay    = "STAY "
)

// stays is how long a caller stays, in milliseconds.
func stays(least, most int) string { return fmt.Sprintf("%s%d %d", stay, least, most) }

// sipp makes the command line of a scenario.
func sipp(file string, words ...string) func(*soak, *rand.Rand, int) (string, []string) {
	return func(s *soak, r *rand.Rand, slot int) (string, []string) {
		user := fmt.Sprintf("user%d", r.IntN(soakUsers))
		space := strconv.Itoa(7001 + r.IntN(soakSpaces))
		args := []string{s.sip, "-sf", filepath.Join(s.root, "testdata/sipp", file), "-nostdin", "-mi", "127.0.0.1", "-au", user, "-ap", "secret", "-auth_uri", "bench.test",
			"-timeout", "90", "-timeout_error", "-trace_err", "-error_file", "errors.log", "-cid_str", fmt.Sprintf("%%u-%%p-%08x@%%s", r.Uint32()),
			"-mp", strconv.Itoa(s.base + 2000 + slot*20), "-p", strconv.Itoa(s.port())}
		single, local := true, "127.0.0.1"
		for i := 0; i < len(words); i++ {
			switch w := words[i]; {
			case w == typed:
				args = append(args, "-key", "dial", gatewayURI)
			case w == entered:
				args = append(args, "-key", "dial", gatewayURI+";space="+space)
			case w == own:
				args = append(args, "-key", "dial", gatewayURI+";space="+ownSpace(slot))
			case w == line:
				args = append(args, "-key", "line", user, "-key", "domain", "bench.test")
			case w == keyed:
				// twelve keys, as the scenario sends: what comes after the ID is typed on the bridge and means nothing there
				for i := range 12 {
					key := "11"
					if i < len(space) {
						key = space[i : i+1]
					}
					args = append(args, "-key", fmt.Sprintf("k%d", i+1), key)
				}
			case w == tcp:
				args = append(args, "-t", "t1")
			case strings.HasPrefix(w, stay):
				var least, most int
				fmt.Sscanf(w, stay+"%d %d", &least, &most)
				args = append(args, "-d", strconv.Itoa(least+r.IntN(most-least+1)))
			case w == "-i":
				i++
				local = words[i]
			case w == "-m":
				single = false
				args = append(args, w)
			default:
				args = append(args, w)
			}
		}
		if single {
			args = append(args, "-m", "1")
		}
		return "sipp", append(args, "-i", local)
	}
}

// port is the next SIP port of a caller. Ports come round late: a phone that is gone is still being looked for on its own.
func (s *soak) port() int { return s.base + int(s.ports.Add(1))%2000 }

// group is eight parties of one space who talk all the time.
func group(s *soak, r *rand.Rand, slot int) (string, []string) {
	return filepath.Join(s.bin, "confload"), []string{"-target", s.sip, "-local", "127.0.0.2", "-rooms", "1", "-parties", "8", "-first-room", ownSpace(slot),
		"-dest", "+33170001000", "-dtmf", "%d", "-dur", "6s", "-settle", "1s", "-latency=false", "-rt=false", "-rtp-base", strconv.Itoa(s.base + 4000 + slot*100), "-quiet"}
}

// ownSpace is the space of an act that wants it for itself.
func ownSpace(slot int) string { return strconv.Itoa(7001 + soakSpaces + slot) }

// removeAll ends whatever bridge the act's own space has, once somebody sits there.
func removeAll(s *soak, space string) {
	n, _ := strconv.Atoi(space)
	owner := fmt.Sprintf("Owner %d", n-7000)
	for range 100 {
		var page struct {
			Items []struct {
				Space        string     `json:"space"`
				Owner        string     `json:"owner"`
				Participants []struct{} `json:"participants"`
			} `json:"items"`
		}
		if s.server.call("GET", "bridges?limit=200", &page) == nil {
			for _, b := range page.Items {
				// A seat that is taken but not yet sat on cannot be removed: then once more.
				if b.Owner == owner && len(b.Participants) > 0 && s.server.call("DELETE", "bridges/"+b.Space, nil) == nil {
					return
				}
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// outcome counts how acts ended.
type outcome struct {
	mu     sync.Mutex
	done   map[string]int
	failed map[string]int
	first  string // what the first failure said
}

func (o *outcome) add(name string, err error, dir string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		o.done[name]++
		return
	}
	o.failed[name]++
	if o.first == "" {
		o.first = fmt.Sprintf("%s: %v: %s", name, err, complaint(dir))
	}
}

// complaint is what SIPp says of the call that failed, without its remarks on messages for calls of others.
func complaint(dir string) string {
	b, _ := os.ReadFile(filepath.Join(dir, "errors.log"))
	text := string(b)
	for _, word := range []string{"Aborting call", "receive timeout", "Unable to", "Failed", "rror"} {
		if i := strings.Index(text, word); i >= 0 {
			text = text[i:]
			break
		}
	}
	return text[:min(len(text), 1200)]
}

// perform runs one act to its end, killing it on its way if it is of that kind. It kills the one process it has started.
func (s *soak) perform(ctx context.Context, a act, r *rand.Rand, slot int) {
	dir, err := os.MkdirTemp(s.work, "act-")
	if err != nil {
		s.out.add(a.name, err, "")
		return
	}
	defer os.RemoveAll(dir)
	if err := s.layOut(dir, 7001+r.IntN(soakSpaces)); err != nil {
		s.out.add(a.name, err, dir)
		return
	}
	if a.roles != nil {
		if err := s.performCall(ctx, a, r, slot, dir); err == nil || !strings.Contains(err.Error(), "Address already in use") {
			s.out.add(a.name, err, dir)
		}
		return
	}
	program, args := a.args(s, r, slot)
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // nobody is left behind when we are killed ourselves
	if err := cmd.Start(); err != nil {
		s.out.add(a.name, err, dir)
		return
	}
	if a.during != nil {
		var wg sync.WaitGroup
		wg.Go(func() { a.during(s, ownSpace(slot)) })
		defer wg.Wait()
	}
	if a.killed {
		after := time.NewTimer(time.Duration(r.Int64N(int64(8 * time.Second))))
		select {
		case <-after.C:
		case <-ctx.Done():
		}
		after.Stop()
		cmd.Process.Kill()
		cmd.Wait()
		s.out.add(a.name, nil, dir)
		return
	}
	err = cmd.Wait()
	if err != nil && strings.Contains(complaint(dir), "Address already in use") {
		return // somebody else on this machine has the port: the act never began
	}
	s.out.add(a.name, err, dir)
}

// props is what the scenarios play: the names they use, and the file of each for a caller of a space.
func props(space int) map[string]string {
	return map[string]string{"digits.pcap": fmt.Sprintf("%d.pcap", space), "wrong1.pcap": "wrong1.pcap", "wrong2.pcap": "wrong2.pcap", "wrong3.pcap": "wrong3.pcap"}
}

// layOut puts the props into an act's directory.
func (s *soak) layOut(dir string, space int) error {
	for link, to := range props(space) {
		if err := os.Symlink(filepath.Join(s.work, "props", to), filepath.Join(dir, link)); err != nil {
			return err
		}
	}
	return nil
}
