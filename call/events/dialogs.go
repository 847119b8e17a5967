package events

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"passerelle/sip"
)

// DialogsConfig says who may watch whom.
type DialogsConfig struct {
	Phones Phones // nil means that every phone is its owner's
	Lists  Lists  // lists of lines that phones watch as one; nil means none
	// MayWatch says whether a line may see the calls of another; nil allows all lines of the server. It must not wait.
	MayWatch func(watcher, watched sip.AOR) bool
	Log      *slog.Logger
}

// Dialogs is the event package dialog (RFC 4235): what the lines do, for busy lamps, and lists of lines (RFC 4662).
type Dialogs struct {
	cfg   DialogsConfig
	log   *slog.Logger
	board *board
	shown *shown[*watch]
}

var (
	_ sip.EventPackage  = (*Dialogs)(nil)
	_ sip.EventExtender = (*Dialogs)(nil)
)

// watch is one subscription to a line, or to a list. All but sub belongs to the subscription's owner.
type watch struct {
	d       *Dialogs
	sub     *sip.Subscription
	entity  string
	aor     sip.AOR
	list    *listWatch // nil for a line
	version uint32
	view    view
	only    *Dialog // what the Event header asks for, nil for all calls
}

// NewDialogs makes the package. Run keeps its memory small.
func NewDialogs(cfg DialogsConfig) *Dialogs {
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	return &Dialogs{cfg: cfg, log: cfg.Log, board: newBoard(), shown: newShown[*watch]()}
}

// Name implements sip.EventPackage.
func (d *Dialogs) Name() string { return "dialog" }

// OptionTags implements sip.EventExtender.
func (d *Dialogs) OptionTags() []string { return []string{"eventlist"} }

// Run forgets calls that ended until ctx is done.
func (d *Dialogs) Run(ctx context.Context) error {
	t := time.NewTicker(time.Minute)
	defer t.Stop()
	for {
		select {
		case now := <-t.C:
			d.board.sweep(now)
		case <-ctx.Done():
			return nil
		}
	}
}

// Post tells of a call of a line as it is now; Terminated ends it. The call machine posts each change, in order. It never
// waits.
func (d *Dialogs) Post(aor sip.AOR, dialog Dialog) {
	if !d.board.post(aor, dialog) {
		return
	}
	for _, w := range d.shown.of(aor) {
		w.sub.Changed()
	}
}

// Calls returns the calls of a line, the oldest first.
func (d *Dialogs) Calls(aor sip.AOR) []Dialog {
	live, _ := d.board.of(aor)
	list := make([]Dialog, len(live))
	for i, e := range live {
		list[i] = e.Dialog
	}
	return list
}

// Subscribe implements sip.EventPackage.
func (d *Dialogs) Subscribe(ctx context.Context, s *sip.Subscription) error {
	w := &watch{d: d, sub: s, only: onlyOne(s)}
	var lines []sip.AOR
	if aor, ok := lineOf(d.cfg.Phones, s); ok {
		switch {
		case !d.mayWatch(s, aor):
			return errForbidden
		case !s.Accepts(DialogType):
			return errAccept
		}
		w.aor, w.entity = aor, entityOf(s)
		lines = []sip.AOR{aor}
	} else if err := d.subscribeList(w); err != nil {
		return err
	} else {
		lines = w.list.lines()
	}
	d.shown.put(w, s.Username(), lines...)
	context.AfterFunc(ctx, func() { d.shown.remove(w) })
	s.State(w.show)
	return nil
}

func (d *Dialogs) mayWatch(s *sip.Subscription, aor sip.AOR) bool {
	return d.cfg.MayWatch == nil || s.Own() || d.cfg.MayWatch(s.AOR(), aor)
}

// entityOf is the URI that was subscribed to, without its parameters.
func entityOf(s *sip.Subscription) string {
	r := s.Resource()
	if r.User == "" {
		return s.AOR().URI()
	}
	return "sip:" + r.User + "@" + r.Host
}

// show is the state of what is watched. It runs on the subscription's owner.
func (w *watch) show(full bool) (string, []byte) {
	if w.list != nil {
		return w.showList(full)
	}
	if aor, ok := lineOf(w.d.cfg.Phones, w.sub); ok && aor != w.aor {
		w.aor, full = aor, true // the phone has another user now
	}
	var dialogs []Dialog
	if full {
		dialogs = w.view.all(w.d.board, w.aor, w.pass)
	} else if dialogs = w.view.news(w.d.board, w.aor, w.pass); len(dialogs) == 0 {
		return DialogType, nil
	}
	body := dialogInfo(w.version, full, w.entity, dialogs, time.Now())
	w.version++
	return DialogType, body
}

// onlyOne reads which dialog the Event header asks for (RFC 4235 §3.2), nil for all.
func onlyOne(s *sip.Subscription) *Dialog {
	var d Dialog
	for name, field := range map[string]*string{"call-id": &d.CallID, "to-tag": &d.LocalTag, "from-tag": &d.RemoteTag} {
		*field, _ = s.EventParam(name)
	}
	if d == (Dialog{}) {
		return nil
	}
	return &d
}

// pass reports whether a call is among those asked for.
func (w *watch) pass(d *Dialog) bool {
	fits := func(want, have string) bool { return want == "" || want == have }
	return w.only == nil ||
		fits(w.only.CallID, d.CallID) && fits(w.only.LocalTag, d.LocalTag) && fits(w.only.RemoteTag, d.RemoteTag)
}

// OwnerChanged shows the calls of another line on a phone whose user is another now. It never waits; done, if not nil, is
// called when the phone has been sent all it is to show.
func (d *Dialogs) OwnerChanged(username string, done func()) {
	list := d.shown.on(username)
	one := afterAll(len(list), done)
	for _, w := range list {
		if w.list == nil {
			aor, _ := lineOf(d.cfg.Phones, w.sub)
			d.shown.again(w, aor)
		}
		w.sub.Resend()
		w.sub.WhenSent(one)
	}
}
