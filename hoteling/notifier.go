package hoteling

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"passerelle/directory"
	"passerelle/sip"
)

// NotifierConfig joins a Notifier to its desk; Desk and Directory are required.
type NotifierConfig struct {
	Desk      *Desk
	Directory *directory.Live
	// Shown, if not nil, is told the digest user name of a host phone once the phone has been shown that its user is another
	// now, or at once when it cannot be shown that. What else it shows of its user goes out after that. It must not wait.
	Shown func(username string)
	Log   *slog.Logger
}

// Notifier is the event package x-broadworks-hoteling: the keys Guest In and Guest Out of desk phones.
//
// A phone subscribes for its own line, in one dialog from its start on; its SUBSCRIBEs in that dialog carry what its keys ask
// for. Each is answered 200 at once, and what became of it is told by a NOTIFY.
type Notifier struct {
	cfg NotifierConfig
	log *slog.Logger

	mu     sync.Mutex // guards both maps
	phones map[uint64]map[*phone]struct{}
	heard  map[uint64]time.Time // when a host's latest dialog that is over heard its phone last
}

var _ sip.EventPackage = (*Notifier)(nil)

// phone is the subscription of a host phone.
type phone struct {
	n     *Notifier
	sub   *sip.Subscription
	host  uint64
	heard atomic.Int64 // last SUBSCRIBE, Unix nanoseconds

	warned bool // of the open connection; the subscription's owner's
}

// How a SUBSCRIBE is refused.
var (
	errNoLine   = &sip.StatusError{Code: 404, Err: errors.New("the directory has no such phone")}
	errNotOwn   = &sip.StatusError{Code: 403, Err: errors.New("hoteling is for the own line of a primary phone")}
	errNoAccept = &sip.StatusError{Code: 406, Err: errors.New("the phone does not take " + BodyType)}
)

// NewNotifier makes the package and has the desk tell it of changes.
func NewNotifier(cfg NotifierConfig) *Notifier {
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	n := &Notifier{cfg: cfg, log: cfg.Log, phones: make(map[uint64]map[*phone]struct{}), heard: make(map[uint64]time.Time)}
	cfg.Desk.OnChange(n.changed)
	return n
}

// Name implements sip.EventPackage.
func (n *Notifier) Name() string { return EventName }

// Subscribe implements sip.EventPackage. Phones that take no guests may subscribe too: they are told that nobody is in.
func (n *Notifier) Subscribe(ctx context.Context, s *sip.Subscription) error {
	dev, ok := n.cfg.Directory.Current().DeviceByUsername(s.Username())
	aor, isLine := s.ResourceAOR()
	switch {
	case !ok:
		return errNoLine
	case !dev.Primary || !isLine || aor != s.AOR():
		return errNotOwn
	case !s.Accepts(BodyType):
		return errNoAccept
	}
	p := &phone{n: n, sub: s, host: dev.User.Ref}
	p.heard.Store(time.Now().UnixNano())
	recent := n.put(p)
	context.AfterFunc(ctx, func() { n.remove(p) })
	s.State(p.show)
	s.OnRefresh(p.refreshed)
	if first := s.First(); first.Expires > 0 && len(first.Body) > 0 {
		s.WhenSent(func() { p.first(first, recent) })
	}
	return nil
}

// put makes a phone known. recent says whether its host was heard in another dialog a moment ago.
func (n *Notifier) put(p *phone) (recent bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	last := n.heard[p.host]
	for other := range n.phones[p.host] {
		if at := time.Unix(0, other.heard.Load()); at.After(last) {
			last = at
		}
	}
	if n.phones[p.host] == nil {
		n.phones[p.host] = make(map[*phone]struct{})
	}
	n.phones[p.host][p] = struct{}{}
	return time.Since(last) < sameDialog
}

// sameDialog is how soon after its last word a phone that begins a new dialog goes on with what it did: it takes longer to
// start anew.
const sameDialog = 5 * time.Second

func (n *Notifier) remove(p *phone) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if at := time.Unix(0, p.heard.Load()); at.After(n.heard[p.host]) {
		n.heard[p.host] = at
	}
	delete(n.phones[p.host], p)
	if len(n.phones[p.host]) == 0 {
		delete(n.phones, p.host)
	}
}

func (n *Notifier) of(host uint64) []*phone {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := make([]*phone, 0, len(n.phones[host]))
	for p := range n.phones[host] {
		list = append(list, p)
	}
	return list
}

// show is who is signed in, made when the NOTIFY leaves.
func (p *phone) show(bool) (string, []byte) {
	dir := p.n.cfg.Directory.Current()
	a, in := p.n.cfg.Desk.On(p.host)
	guest, known := dir.UserByRef(a.Guest)
	host, there := dir.UserByRef(p.host)
	if !in || !known || !there {
		return BodyType, StateBody("", 0)
	}
	return BodyType, StateBody(dialable(guest, host), a.Left())
}

// first does what the SUBSCRIBE that made the dialog asks for. A phone that has started may say that nobody is signed in,
// which signs nobody out; one that was heard a moment ago means it.
func (p *phone) first(a sip.Asked, recent bool) {
	set, ok := p.parsed(a)
	switch {
	case !ok:
	case set.Guest != "":
		p.set(set, a.Source)
	case recent:
		p.n.log.Info("guest out in a new dialog", "username", p.sub.Username())
		p.set(set, a.Source)
	default:
		p.n.log.Info("a phone that starts anew signs nobody out", "username", p.sub.Username())
	}
}

// refreshed takes a further SUBSCRIBE of the dialog.
func (p *phone) refreshed(a sip.Asked) {
	p.heard.Store(time.Now().UnixNano())
	if len(a.Body) == 0 {
		p.owe(a)
		return
	}
	set, ok := p.parsed(a)
	if !ok || a.Expires == 0 && set.Guest != "" { // nobody signs in who goes
		p.owe(a)
		return
	}
	p.set(set, a.Source)
}

// owe sends the NOTIFY that a SUBSCRIBE is owed; the one that ends the subscription gets its own.
func (p *phone) owe(a sip.Asked) {
	if a.Expires > 0 {
		p.sub.Resend()
	}
}

func (p *phone) parsed(a sip.Asked) (Set, bool) {
	set, err := ParseSet(a.ContentType, a.Body)
	if err != nil {
		p.n.log.Warn("hoteling key not understood", "username", p.sub.Username(), "err", err)
		return Set{}, false
	}
	return set, true
}

// set hands what the phone asks for to the desk, and its answer to the phone.
func (p *phone) set(set Set, src sip.Source) {
	if set.Proof != nil && !secure(src) && !p.warned {
		p.warned = true
		p.n.log.Warn("PIN proven over an open connection: who listens can guess it; let the phone use TLS", "username", p.sub.Username(), "transport", src.Transport)
	}
	desk := p.n.cfg.Desk
	posted := desk.inbox.post(func() {
		switch what, c := desk.fromPhone(p.host, dialogKey(p.sub), set); what {
		case answerChallenge:
			p.sub.Notify(BodyType, ChallengeBody(c.Nonce))
		case answerState:
			p.sub.Resend()
		case answerChanged: // the change has told it
		}
	})
	if !posted {
		p.sub.Resend()
	}
}

// dialogKey tells dialogs apart.
func dialogKey(s *sip.Subscription) string {
	id := s.ID()
	return id.CallID + "\x00" + string(id.LocalTag) + "\x00" + string(id.RemoteTag)
}

// secure says whether nobody can listen.
func secure(src sip.Source) bool { return src.Transport == "TLS" || src.Transport == "WSS" }

// changed shows a host phone who uses it now. It is called on the desk's goroutine.
func (n *Notifier) changed(c Change) {
	var username string
	if host, ok := n.cfg.Directory.Current().UserByRef(c.Host); ok && host.Phone != nil {
		username = host.Phone.Username
	}
	list := n.of(c.Host)
	var left atomic.Int64
	left.Store(int64(len(list)))
	shown := func() {
		if left.Add(-1) <= 0 && n.cfg.Shown != nil && username != "" {
			n.cfg.Shown(username)
		}
	}
	for _, p := range list {
		p.sub.Resend()
		p.sub.WhenSent(shown)
	}
	if len(list) == 0 {
		shown()
	}
}
