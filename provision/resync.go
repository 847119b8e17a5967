package provision

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"passerelle/directory"
	"passerelle/sip"
)

// The bounds of telling phones to fetch anew.
const (
	resyncAtOnce = 8
	resyncLimit  = 40 * time.Second // a phone that is silent for Timer F and one that challenges
)

// job is a phone to be told.
type job struct {
	mac      directory.MAC
	target   sip.Target
	line     string // SIP URI
	username string
	password directory.Secret
	digest   []byte // of the profile that it is to fetch
}

// queue holds the jobs of Run. Posting never waits.
type queue struct {
	mu   sync.Mutex // guards jobs
	jobs []job
	wake chan struct{}
}

func (q *queue) post(j job) {
	q.mu.Lock()
	q.jobs = append(q.jobs, j)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) take() []job {
	q.mu.Lock()
	defer q.mu.Unlock()
	jobs := q.jobs
	q.jobs = nil
	return jobs
}

// Run tells phones to fetch anew until ctx is done; then it waits for those it is telling.
func (p *Phones) Run(ctx context.Context) error {
	var g errgroup.Group
	g.SetLimit(resyncAtOnce)
	defer func() { _ = g.Wait() }() // no job returns an error
	look, rested := p.look, (<-chan time.Time)(nil)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look:
			start := time.Now()
			p.examine()
			// Changes come in swarms, and a look at ten thousand phones takes a second.
			look, rested = nil, time.After(10*time.Since(start))
		case <-rested:
			look, rested = p.look, nil
		case <-p.queue.wake:
		}
		for _, j := range p.queue.take() {
			g.Go(func() error { // ends with its request, which ctx bounds
				if err := p.tell(ctx, j); err != nil && ctx.Err() == nil {
					p.log.WarnContext(ctx, "phone not told to fetch its profile", "mac", j.mac, "err", err)
				}
				return nil
			})
		}
	}
}

// tell sends the phone a NOTIFY that makes it fetch its profile, and answers its challenge as the line that it is: the
// phone chooses the realm.
func (p *Phones) tell(ctx context.Context, j job) error {
	ctx, cancel := context.WithTimeout(ctx, resyncLimit)
	defer cancel()
	err := p.cfg.Notices.Notify(ctx, sip.Notice{
		Target: j.target, To: j.line, Event: "resync",
		Credentials: func(string) (string, string, bool) { return j.username, j.password.Reveal(), true },
	})
	if err != nil {
		p.mu.Lock()
		if bytes.Equal(p.asked[j.mac], j.digest) {
			delete(p.asked, j.mac) // to be told when it registers next
		}
		p.mu.Unlock()
		return fmt.Errorf("resync of %s: %w", j.mac, err)
	}
	p.log.InfoContext(ctx, "phone told to fetch its profile", "mac", j.mac)
	return nil
}

// Resync tells a phone now to fetch its profile and waits for its answer. The phone does so when its lines are at rest.
func (p *Phones) Resync(ctx context.Context, mac directory.MAC) error {
	s, err := p.State(mac)
	if err != nil {
		return err
	}
	username, password := s.Device.Username, s.Device.Password
	if s.Fetch != nil {
		username, password = s.Fetch.Username, s.Fetch.Password
	}
	fault := ErrNotRegistered
	for b := range p.cfg.Registrations.All() {
		if b.Username != username || !b.Reachable() {
			continue
		}
		if whose, known := p.phoneOf(&b); known && whose != mac {
			continue
		}
		err := p.tell(ctx, job{mac: mac, target: b.Target(), line: b.AOR.URI(), username: username, password: password})
		if err == nil {
			return nil
		}
		fault = err
	}
	if errors.Is(fault, ErrNotRegistered) {
		return fmt.Errorf("resync of %s: %w", mac, fault)
	}
	return fault
}

// phoneOf tells which phone has registered: it has the user name from its profile. Where two have, because somebody got
// another phone, the User-Agent tells.
func (p *Phones) phoneOf(b *sip.Binding) (directory.MAC, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	macs := p.byUser[b.Username]
	if len(macs) == 1 {
		return macs[0], true
	}
	for _, mac := range macs {
		if hex := bare(mac); strings.Contains(strings.ToLower(b.UserAgent), hex) || strings.Contains(strings.ToLower(b.Instance), hex) {
			return mac, true
		}
	}
	return "", false
}

// Changed tells the phones whose profile a new directory has changed, and that are registered, to fetch it. It must be
// called before the registrations of lines that left are ended: a phone that moves to another user is known by the former.
// It does not wait.
func (p *Phones) Changed() {
	if p.moved() {
		p.examine()
		return
	}
	select {
	case p.look <- struct{}{}:
	default:
	}
}

// moved says whether a phone has credentials that are not its own any more.
func (p *Phones) moved() bool {
	dir := p.cfg.Directory.Current()
	p.mu.Lock()
	defer p.mu.Unlock()
	for mac, r := range p.records {
		if r.Fetch == nil {
			continue
		}
		if d, ok := dir.DeviceByUsername(r.Fetch.Username); !ok || d.MAC != mac || !d.Password.Equal(r.Fetch.Password.Reveal()) {
			return true
		}
	}
	return false
}

// examine asks all registered phones whose profile is not the current one to fetch it.
func (p *Phones) examine() {
	stale := make(map[directory.MAC]job)
	by := p.renderer(p.cfg.Directory.Current())
	for _, s := range p.States() {
		if s.Fetch == nil || s.Token == "" {
			continue
		}
		if now := digest(by, s.Device, s.Token); !bytes.Equal(now, s.Fetch.Digest) {
			stale[s.MAC] = job{mac: s.MAC, username: s.Fetch.Username, password: s.Fetch.Password, digest: now}
		}
	}
	if len(stale) == 0 {
		return
	}
	for b := range p.cfg.Registrations.All() {
		if !b.Reachable() {
			continue
		}
		if mac, ok := p.phoneOf(&b); ok {
			if j, ok := stale[mac]; ok {
				delete(stale, mac) // a phone of several lines is told once
				j.target, j.line = b.Target(), b.AOR.URI()
				p.ask(j)
			}
		}
	}
}

// Stale gives the phones that have fetched a profile which is not the current one any more.
func (p *Phones) Stale() []State {
	by := p.renderer(p.cfg.Directory.Current())
	return slices.DeleteFunc(p.States(), func(s State) bool {
		return s.Fetch == nil || s.Token == "" || bytes.Equal(digest(by, s.Device, s.Token), s.Fetch.Digest)
	})
}

// Registered is told by the registrar what happens to bindings: a phone that missed a change fetches it when it is back.
func (p *Phones) Registered(c sip.Change) {
	if c.Kind != sip.Registered && c.Kind != sip.Refreshed || !c.Binding.Reachable() {
		return
	}
	mac, ok := p.phoneOf(&c.Binding)
	if !ok {
		return
	}
	s, err := p.State(mac)
	if err != nil || s.Fetch == nil || s.Token == "" || s.Current {
		return
	}
	p.ask(job{
		mac: mac, target: c.Binding.Target(), line: c.Binding.AOR.URI(), username: s.Fetch.Username, password: s.Fetch.Password,
		digest: digest(p.renderer(p.cfg.Directory.Current()), s.Device, s.Token),
	})
}

// ask queues a job unless the phone was told of this profile before.
func (p *Phones) ask(j job) {
	p.mu.Lock()
	told := bytes.Equal(p.asked[j.mac], j.digest)
	p.asked[j.mac] = j.digest
	p.mu.Unlock()
	if !told {
		p.queue.post(j)
	}
}
