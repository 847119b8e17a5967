// Command rtppcap writes pcap files of RTP that SIPp's play_pcap_audio sends: keys as RFC 4733 events or as in-band tones,
// clean or spoilt as networks spoil them, and a tone afterwards. Standard library only.
//
//	rtppcap -digits '48213907752#' -tail 2s -o digits.pcap
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

// config is the command line.
type config struct {
	out            string
	digits         string
	lead, on, gap  time.Duration
	tail           time.Duration
	from           time.Duration
	payloadType    int
	inBand         bool
	noMarker       bool
	reorder        bool
	lossPercent    int
	seed           uint64
	codec          string
	toneHz, toneDB float64
}

func parseFlags(args []string) (*config, error) {
	c := &config{}
	f := flag.NewFlagSet("rtppcap", flag.ContinueOnError)
	f.StringVar(&c.out, "o", "", "file to write")
	f.StringVar(&c.digits, "digits", "", "keys to send: 0-9 * # A-D")
	f.DurationVar(&c.lead, "lead", 600*time.Millisecond, "silence before the first key")
	f.DurationVar(&c.on, "on", 100*time.Millisecond, "length of a key")
	f.DurationVar(&c.gap, "gap", 60*time.Millisecond, "gap between keys")
	f.DurationVar(&c.tail, "tail", time.Second, "tone after the last key")
	f.DurationVar(&c.from, "from", 0, "what the sender's clock and sequence numbers stand at, for a file that goes on where another one ends")
	f.IntVar(&c.payloadType, "event-pt", 101, "payload type of telephone-event")
	f.BoolVar(&c.inBand, "in-band", false, "keys as tones in the audio instead of events")
	f.BoolVar(&c.noMarker, "no-marker", false, "events without the marker bit")
	f.BoolVar(&c.reorder, "reorder", false, "swap every fourth packet with the one after it")
	f.IntVar(&c.lossPercent, "loss", 0, "packets lost, in percent")
	f.Uint64Var(&c.seed, "seed", 1, "which packets are lost")
	f.StringVar(&c.codec, "codec", "pcma", "pcma or pcmu")
	f.Float64Var(&c.toneHz, "tone", 440, "frequency of the tone in Hz")
	f.Float64Var(&c.toneDB, "level", -20, "level of the tone in dB below full scale")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	switch {
	case c.out == "" || f.NArg() > 0:
		return nil, errors.New("want -o FILE and no arguments")
	case strings.Trim(strings.ToUpper(c.digits), keys) != "":
		return nil, fmt.Errorf("-digits %q: keys are %s", c.digits, keys)
	case c.codec != "pcma" && c.codec != "pcmu":
		return nil, fmt.Errorf("-codec %q: pcma or pcmu", c.codec)
	case c.lossPercent < 0 || c.lossPercent > 50:
		return nil, errors.New("-loss: 0 to 50")
	case c.lead+c.tail > 10*time.Minute:
		return nil, errors.New("-lead and -tail: ten minutes at most")
	}
	c.digits = strings.ToUpper(c.digits)
	return c, nil
}

func main() {
	if err := run(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "rtppcap:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	c, err := parseFlags(args)
	if err != nil {
		return err
	}
	f, err := os.Create(c.out)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	err = writePcap(w, spoil(c, stream(c)))
	return errors.Join(err, w.Flush(), f.Close())
}
