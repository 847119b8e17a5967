package provision

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"passerelle/directory"
	"passerelle/sip"
)

// Registrations is what phones have registered; sip.Registrar satisfies it.
type Registrations interface {
	// All yields the live bindings in any order.
	All() iter.Seq[sip.Binding]
}

// Notices sends NOTIFYs to phones; sip.Server satisfies it.
type Notices interface {
	// Notify sends a notice and waits for its answer.
	Notify(ctx context.Context, n sip.Notice) error
}

// Config is what Phones stand on.
type Config struct {
	Directory     *directory.Live
	Store         Store                    // nil forgets everything at the end
	Reports       string                   // directory of problem reports; empty takes none
	TLS           bool                     // the server listens for SIP over TLS
	Secure        func(*http.Request) bool // whether a request came by TLS; nil looks at the connection
	Registrations Registrations
	Notices       Notices
	// Fetched, if not nil, is told of each profile that a phone gets. It must not wait.
	Fetched func(*directory.Device, Fetch)
	Log     *slog.Logger // nil discards
}

// SetupLife is how long a link that works once waits for its phone.
const SetupLife = 7 * 24 * time.Hour

// setupGrace is how long a phone may repeat the first use of its link: an answer may be lost.
const setupGrace = 10 * time.Minute

// Phones knows which phone has got which profile. It is safe for use by any number of goroutines.
type Phones struct {
	cfg   Config
	log   *slog.Logger
	queue queue
	look  chan struct{} // the directory has changed

	keep sync.Mutex // held over a change and its write, so that they are in step

	mu      sync.Mutex // guards what follows
	records map[directory.MAC]*Record
	byToken map[[sha256.Size]byte]access
	refused map[directory.MAC]Refusal
	asked   map[directory.MAC][]byte   // digest of the profile that the phone was told to fetch
	byUser  map[string][]directory.MAC // phones that have fetched the user name
}

// access is what a link opens.
type access struct {
	mac directory.MAC
	own bool // the phone's own link, not the one that works once
	// certified says that the phone has shown its certificate instead of a link.
	certified bool
}

// Refusal is why a phone did not get what it asked for.
type Refusal struct {
	At    time.Time
	Cause string // revoked, used, expired, other_phone, no_tls, gone or not_kept
	Text  string // the same in words
}

// New does no work yet.
func New(cfg Config) *Phones {
	p := &Phones{
		cfg: cfg, log: cfg.Log, records: make(map[directory.MAC]*Record), byToken: make(map[[sha256.Size]byte]access),
		refused: make(map[directory.MAC]Refusal), asked: make(map[directory.MAC][]byte), byUser: make(map[string][]directory.MAC),
		queue: queue{wake: make(chan struct{}, 1)}, look: make(chan struct{}, 1),
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	if p.cfg.Secure == nil {
		p.cfg.Secure = func(r *http.Request) bool { return r.TLS != nil }
	}
	return p
}

// Load reads what was kept, before anything is served.
func (p *Phones) Load(ctx context.Context) error {
	if p.cfg.Store == nil {
		return nil
	}
	records, err := p.cfg.Store.LoadPhones(ctx)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range records {
		p.putLocked(r)
	}
	return nil
}

// putLocked puts a record and its links in place of the former ones.
func (p *Phones) putLocked(r Record) {
	if old, ok := p.records[r.MAC]; ok {
		for _, h := range hashes(old) {
			delete(p.byToken, h)
		}
		if old.Fetch != nil {
			p.byUser[old.Fetch.Username] = slices.DeleteFunc(p.byUser[old.Fetch.Username], func(mac directory.MAC) bool { return mac == r.MAC })
		}
	}
	if r.Fetch != nil {
		p.byUser[r.Fetch.Username] = append(p.byUser[r.Fetch.Username], r.MAC)
	}
	p.records[r.MAC] = &r
	if r.Token != "" {
		p.byToken[sha256.Sum256([]byte(r.Token.Reveal()))] = access{mac: r.MAC, own: true}
	}
	if r.Setup != nil {
		p.byToken[[sha256.Size]byte(r.Setup.Hash)] = access{mac: r.MAC}
	}
}

// hashes are those of a record's links.
func hashes(r *Record) (all [][sha256.Size]byte) {
	if r.Token != "" {
		all = append(all, sha256.Sum256([]byte(r.Token.Reveal())))
	}
	if r.Setup != nil {
		all = append(all, [sha256.Size]byte(r.Setup.Hash))
	}
	return all
}

// edit changes the record of a phone and keeps it; with an error nothing has changed.
func (p *Phones) edit(ctx context.Context, mac directory.MAC, change func(*Record) error) (Record, error) {
	p.keep.Lock()
	defer p.keep.Unlock()
	r := p.record(mac)
	if err := change(&r); err != nil {
		return r, err
	}
	if p.cfg.Store != nil {
		if err := p.cfg.Store.SavePhone(ctx, r); err != nil {
			return r, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.putLocked(r)
	return r, nil
}

// record is a copy of what is kept of a phone.
func (p *Phones) record(mac directory.MAC) Record {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.records[mac]
	if !ok {
		return Record{MAC: mac}
	}
	c := *r
	c.Reports = slices.Clone(r.Reports)
	if r.Setup != nil {
		s := *r.Setup
		c.Setup = &s
	}
	return c
}

// NewSetup makes the link that gives a phone its first profile, in place of a former one. path is "/p/" and the secret
// part; whoever has it before the phone has the phone's password.
func (p *Phones) NewSetup(ctx context.Context, mac directory.MAC) (path string, until time.Time, err error) {
	if _, ok := p.cfg.Directory.Current().DeviceByMAC(mac); !ok {
		return "", time.Time{}, fmt.Errorf("link for %s: %w", mac, ErrUnknownPhone)
	}
	token := rand.Text()
	hash := sha256.Sum256([]byte(token))
	until = time.Now().Add(SetupLife)
	_, err = p.edit(ctx, mac, func(r *Record) error {
		r.Setup, r.Barred = &Setup{Hash: hash[:], Until: until}, false
		return nil
	})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("link for %s: %w", mac, err)
	}
	return Root + token + "/", until, nil
}

// Revoke ends all links of a phone: it needs another one before it fetches again, with a certificate too.
func (p *Phones) Revoke(ctx context.Context, mac directory.MAC) error {
	_, err := p.edit(ctx, mac, func(r *Record) error {
		r.Token, r.Setup, r.Barred = "", nil, true
		return nil
	})
	if err != nil {
		return fmt.Errorf("revoke the links of %s: %w", mac, err)
	}
	return nil
}

// State is how a phone of the directory stands.
type State struct {
	Device *directory.Device
	Record
	// Current says that the phone has its profile as it is now.
	Current bool
	// Refused is the last refusal since the start; its zero value means none.
	Refused Refusal
}

// State gives the state of a phone.
func (p *Phones) State(mac directory.MAC) (State, error) {
	dir := p.cfg.Directory.Current()
	d, ok := dir.DeviceByMAC(mac)
	if !ok {
		return State{}, fmt.Errorf("phone %s: %w", mac, ErrUnknownPhone)
	}
	s := p.state(d)
	s.Current = s.Fetch != nil && s.Token != "" && bytes.Equal(s.Fetch.Digest, digest(p.renderer(dir), d, s.Token))
	return s, nil
}

// States gives the state of every phone that has a MAC address, by address; Current is left out, as it is dear.
func (p *Phones) States() []State {
	var all []State
	for _, s := range p.cfg.Directory.Current().Sites() {
		for u := range s.Everyone() {
			if u.Phone != nil && u.Phone.MAC != "" {
				all = append(all, p.state(u.Phone))
			}
		}
	}
	slices.SortFunc(all, func(a, b State) int { return cmp.Compare(a.MAC, b.MAC) })
	return all
}

func (p *Phones) state(d *directory.Device) State {
	s := State{Device: d, Record: p.record(d.MAC)}
	p.mu.Lock()
	defer p.mu.Unlock()
	s.Refused = p.refused[d.MAC]
	return s
}

func (p *Phones) renderer(dir *directory.Directory) *renderer {
	return newRenderer(dir, p.cfg.TLS, time.Now())
}

// digest tells profiles apart. What a phone asked for, and by which name of the server, makes no difference.
func digest(by *renderer, d *directory.Device, token directory.Secret) []byte {
	sum := sha256.Sum256(by.profile(d, Root+token.Reveal()+"/"))
	return sum[:]
}
