package events

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config says how much is kept.
type Config struct {
	Store   Store
	Keep    time.Duration // how long; zero means 7 days
	Most    int           // how many events; zero means 500 000
	Waiting int           // how many may wait for the store in memory; zero means 200 000
	Log     *slog.Logger  // nil discards
	Metrics prometheus.Registerer
}

// The defaults of Config.
const (
	DefaultKeep = 7 * 24 * time.Hour
	DefaultMost = 500_000
)

const (
	maxWaiting = 200_000                // of Config.Waiting
	maxBatch   = 2000                   // events of one transaction
	pace       = 100 * time.Millisecond // between two transactions: each costs the disk a flush
	trimEvery  = 10 * time.Minute       // how often a log without news looks for what is too old
	flushLimit = 5 * time.Second        // for what waits when the log ends
)

// Log is the event log. One goroutine, Run, writes; posting and reading are everybody's. A nil Log drops what it is posted.
type Log struct {
	cfg     Config
	log     *slog.Logger
	metrics *metrics
	wake    chan struct{}

	mu     sync.Mutex // guards what follows; nothing is called while held
	queue  []posted
	lost   uint64 // events that found the queue full
	extent Span
	news   chan struct{} // closed when the extent grows
}

// posted waits for the store: an event, or what will tell which.
type posted struct {
	draft Draft
	later func() []Draft
}

// NewLog makes a log; Open reads what is kept.
func NewLog(cfg Config) *Log {
	cfg.Keep, cfg.Most = cmp.Or(cfg.Keep, DefaultKeep), cmp.Or(cfg.Most, DefaultMost)
	cfg.Waiting = cmp.Or(cfg.Waiting, maxWaiting)
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	l := &Log{cfg: cfg, log: cfg.Log, wake: make(chan struct{}, 1), news: make(chan struct{})}
	l.metrics = newMetrics(cfg.Metrics, l)
	return l
}

// Open finds where the log stands, before anything reads it.
func (l *Log) Open(ctx context.Context) error {
	s, err := l.cfg.Store.EventSpan(ctx)
	if err != nil {
		return fmt.Errorf("open the event log: %w", err)
	}
	l.grown(s)
	return nil
}

// Post adds an event. It never waits: the event is kept within about a tenth of a second.
func (l *Log) Post(d Draft) {
	if d.Time.IsZero() {
		d.Time = time.Now()
	}
	l.post(posted{draft: d})
}

// PostLater adds the events that find returns. find is called once, soon, on the log's goroutine, and may take a while.
func (l *Log) PostLater(find func() []Draft) { l.post(posted{later: find}) }

func (l *Log) post(p posted) {
	if l == nil {
		return
	}
	l.mu.Lock()
	if len(l.queue) < l.cfg.Waiting {
		l.queue = append(l.queue, p)
	} else {
		l.lost++
	}
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Run writes what is posted until ctx is done, then what still waits, for five seconds at most.
func (l *Log) Run(ctx context.Context) error {
	writing, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	defer context.AfterFunc(ctx, func() { // ends with Run
		limit := time.NewTimer(flushLimit)
		defer limit.Stop()
		select {
		case <-limit.C:
			giveUp()
		case <-writing.Done():
		}
	})()
	trim := time.NewTicker(trimEvery)
	defer trim.Stop()
	rest := time.NewTimer(0)
	defer rest.Stop()
	for {
		select {
		case <-l.wake:
			l.write(writing, l.take())
		case <-trim.C:
			l.append(writing, nil)
		case <-ctx.Done():
			l.write(writing, l.take())
			return nil
		}
		rest.Reset(pace)
		select {
		case <-rest.C:
		case <-ctx.Done():
		}
	}
}

// take empties the queue. What found it full is told at its end.
func (l *Log) take() []posted {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.queue
	l.queue = nil
	if l.lost > 0 {
		all = append(all, posted{draft: Draft{Type: EventsLost, Time: time.Now(), Data: Lost{Count: l.lost}}})
		l.lost = 0
	}
	return all
}

// write keeps what was posted, in transactions of a bounded size.
func (l *Log) write(ctx context.Context, all []posted) {
	var batch []Event
	for i := range all {
		drafts := []Draft{all[i].draft}
		if all[i].later != nil {
			drafts = l.found(all[i].later)
		}
		for _, d := range drafts {
			if e, ok := l.event(d); ok {
				batch = append(batch, e)
			}
			if len(batch) >= maxBatch {
				l.append(ctx, batch)
				batch = nil
			}
		}
	}
	if len(batch) > 0 {
		l.append(ctx, batch)
	}
}

// found asks for events; a panic there costs those.
func (l *Log) found(find func() []Draft) (drafts []Draft) {
	defer func() {
		if p := recover(); p != nil {
			l.metrics.panics.Inc()
			l.log.Error("events not found out", "panic", fmt.Sprint(p))
		}
	}()
	drafts = find()
	now := time.Now()
	for i := range drafts {
		if drafts[i].Time.IsZero() {
			drafts[i].Time = now
		}
	}
	return drafts
}

// event is what is kept of a draft.
func (l *Log) event(d Draft) (Event, bool) {
	data, err := json.Marshal(d.Data)
	if err != nil {
		l.log.Error("event not written", "event", string(d.Type), "err", err)
		return Event{}, false
	}
	sites := d.Sites
	if sites == nil {
		sites = []string{}
	}
	return Event{Type: d.Type, Time: d.Time.UTC(), Sites: sites, Data: data}, true
}

// append keeps events for as long as it takes; only the end of ctx gives them up. Meanwhile what is posted waits.
func (l *Log) append(ctx context.Context, list []Event) {
	wait := time.Second
	for {
		s, err := l.cfg.Store.AppendEvents(ctx, list, Bounds{Before: time.Now().Add(-l.cfg.Keep), Most: l.cfg.Most})
		if err == nil {
			l.metrics.kept.Add(float64(len(list)))
			l.grown(s)
			return
		}
		l.log.ErrorContext(ctx, "events not kept", "events", len(list), "err", err)
		if len(list) == 0 {
			return
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
			wait = min(2*wait, 30*time.Second)
		case <-ctx.Done():
			t.Stop()
			l.metrics.lost.Add(float64(len(list)))
			return
		}
	}
}

// grown makes a new extent known and wakes who waits for it.
func (l *Log) grown(s Span) {
	l.mu.Lock()
	defer l.mu.Unlock()
	more := s.Last > l.extent.Last
	l.extent = s
	if more {
		close(l.news)
		l.news = make(chan struct{})
	}
}

func (l *Log) span() Span {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.extent
}
