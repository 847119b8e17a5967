package media

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The load of a benchmark runs in a process of its own, so that what is measured is the relay alone. Its phones send 50
// packets a second each, spread evenly, from loadPhone on, and tell how many arrived and how late.
const (
	loadEnv   = "PASSERELLE_RELAY_LOAD" // "CALLS SECONDS PORT…", the relay's port for each phone
	loadPhone = 15200
)

// TestRelayLoadProcess is that process.
func TestRelayLoadProcess(t *testing.T) {
	args := strings.Fields(os.Getenv(loadEnv))
	if len(args) < 3 {
		t.Skip("runs as a process of the benchmark")
	}
	seconds, err := strconv.Atoi(args[0])
	if err != nil {
		t.Fatal(err)
	}
	phones := args[1:]
	conns := make([]Conn, len(phones))
	to := make([]netip.AddrPort, len(phones))
	for i, port := range phones {
		if conns[i], err = listenUDP(loopback(loadPhone + i)); err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(port)
		if err != nil {
			t.Fatal(err)
		}
		to[i] = loopback(n)
	}
	var b, r [200]byte
	var delays []time.Duration
	start := time.Now()
	sent := 0
	for time.Since(start) < time.Duration(seconds)*time.Second {
		due := int(time.Since(start) * time.Duration(len(phones)) / frameTime)
		for ; sent < due; sent++ {
			i, turn := sent%len(phones), sent/len(phones)
			putRTPHeader(b[:], false, 0, uint16(turn), uint32(160*turn), uint32(i))
			now := time.Since(start)
			for k := range 8 {
				b[rtpHeaderLen+k] = byte(now >> (8 * k))
			}
			_ = conns[i].WriteTo(b[:rtpHeaderLen+160], to[i])
		}
		for _, c := range conns {
			for {
				n, _, ok := c.TryRead(r[:])
				if !ok {
					break
				}
				var then time.Duration
				for k := range 8 {
					then |= time.Duration(r[rtpHeaderLen+k]) << (8 * k)
				}
				if n == rtpHeaderLen+160 {
					delays = append(delays, time.Since(start)-then)
				}
			}
		}
		time.Sleep(time.Millisecond)
	}
	slices.Sort(delays)
	fmt.Printf("load: sent %d arrived %d p50 %v p99 %v\n", sent, len(delays), delays[len(delays)/2], delays[len(delays)*99/100])
}

func loopback(port int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port))
}

// load runs the phones for each of the relay's ports and reports what the relay spends on their calls.
func load(b *testing.B, ports []int) {
	b.Helper()
	const settle, measure = 2, 6
	env := strconv.Itoa(settle + measure + 1)
	for _, p := range ports {
		env += " " + strconv.Itoa(p)
	}
	cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestRelayLoadProcess$", "-test.v")
	cmd.Env = append(os.Environ(), loadEnv+"="+env)
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	text := make(chan string)
	go func() { // ends with the process
		all, _ := io.ReadAll(out)
		text <- string(all)
	}()
	time.Sleep(settle * time.Second)
	before, start := processor(b), time.Now()
	time.Sleep(measure * time.Second)
	spent, took := processor(b)-before, time.Since(start)
	said := <-text
	if err := cmd.Wait(); err != nil {
		b.Fatalf("%v\n%s", err, said)
	}
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, "load: ") {
			b.Log(strings.TrimSpace(line))
		}
	}
	cores := spent.Seconds() / took.Seconds()
	b.ReportMetric(cores/float64(len(ports)/2)*1000, "cores/1000calls")
	b.ReportMetric(cores*1e6/50/float64(len(ports)), "µs/packet")
	b.ReportMetric(0, "ns/op")
}

// processor is the processor time of this process.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

const loadCalls = 100

// BenchmarkRelayCalls is the relay as it is, on loopback.
func BenchmarkRelayCalls(b *testing.B) {
	for _, loops := range []int{1, 2} {
		b.Run(fmt.Sprintf("loops=%d", loops), func(b *testing.B) {
			for b.Loop() {
				ports, err := NewPorts(PortsConfig{Host: loopback(0).Addr(), Min: 14000, Max: 19999, Drain: -1})
				if err != nil {
					b.Fatal(err)
				}
				r := NewRelay(ports, RelayConfig{Loops: loops})
				var to []int
				var sides []*Side
				for i := range loadCalls {
					x, y := r.NewSide(SideConfig{}), r.NewSide(SideConfig{})
					sdp := func(k int) []byte {
						return lines("v=0", "c=IN IP4 127.0.0.1", "m=audio "+strconv.Itoa(loadPhone+2*i+k)+" RTP/AVP 0")
					}
					if err := x.Offered(sdp(0)); err != nil {
						b.Fatal(err)
					}
					if _, err := y.Offer(x); err != nil {
						b.Fatal(err)
					}
					if err := y.Answered(sdp(1)); err != nil {
						b.Fatal(err)
					}
					if _, err := x.Answer(y); err != nil {
						b.Fatal(err)
					}
					Join(x, y)
					sides = append(sides, x, y)
					to = append(to, int(x.lines[0].stream.pair.port), int(y.lines[0].stream.pair.port))
				}
				load(b, to)
				for _, s := range sides {
					s.Close()
				}
			}
		})
	}
}

// BenchmarkRelayGoroutines is the other shape, for comparison: a goroutine per direction on connected sockets of the standard
// library, which does nothing but pass packets on.
func BenchmarkRelayGoroutines(b *testing.B) {
	for b.Loop() {
		var to []int
		var conns []*net.UDPConn
		for i := range 2 * loadCalls {
			c, err := net.DialUDP("udp4", net.UDPAddrFromAddrPort(loopback(0)), net.UDPAddrFromAddrPort(loopback(loadPhone+i)))
			if err != nil {
				b.Fatal(err)
			}
			conns = append(conns, c)
			to = append(to, c.LocalAddr().(*net.UDPAddr).Port)
		}
		for i := range conns {
			go func() { // ends when its socket is closed
				buf := make([]byte, maxDatagram)
				for {
					n, err := conns[i].Read(buf)
					if err != nil && strings.Contains(err.Error(), "closed") {
						return
					}
					if err == nil {
						_, _ = conns[i^1].Write(buf[:n])
					}
				}
			}()
		}
		load(b, to)
		for _, c := range conns {
			_ = c.Close()
		}
	}
}
