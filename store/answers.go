package store

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Answers keeps what requests with an idempotency key were answered, sealed: answers hold space IDs and links. Keys name
// their owner before the first slash.
type Answers struct {
	s *Store

	mu    sync.Mutex
	swept time.Time // when those that were over were removed last
	count int       // of what is kept, since then

	most, mostOfOwner int
}

const (
	// purposeAnswer seals answers with a key of their own.
	purposeAnswer = "answer"
	// maxAnswers is how many answers are kept, and how many of one owner.
	maxAnswers        = 50_000
	maxAnswersOfOwner = 10_000
	// sweepEvery is how often answers that are over are removed.
	sweepEvery = 10 * time.Minute
)

// Answers gives the store's view of itself as a keeper of answers.
func (s *Store) Answers() *Answers {
	return &Answers{s: s, most: maxAnswers, mostOfOwner: maxAnswersOfOwner}
}

// Begin keeps data under a key that has none, or gives what is kept under it. Neither means that there are too many.
func (a *Answers) Begin(ctx context.Context, key string, data []byte, until time.Time) (earlier []byte, kept bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	err = a.s.update(ctx, func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketAnswers)
		if raw := b.Get([]byte(key)); !expired(raw, now) {
			text, err := a.s.sealer.open(purposeAnswer, key, raw[8:])
			earlier = []byte(text)
			return err
		}
		if now.Sub(a.swept) > sweepEvery {
			left, err := sweep(b, now)
			if err != nil {
				return err
			}
			a.swept, a.count = now, left
		}
		if a.count >= a.most || a.full(b, key) {
			return nil
		}
		kept = true
		a.count++
		return a.put(b, key, data, until)
	})
	if err != nil {
		return nil, false, fmt.Errorf("begin an answer: %w", err)
	}
	return earlier, kept, nil
}

// Keep keeps data under a key in place of what was there.
func (a *Answers) Keep(ctx context.Context, key string, data []byte, until time.Time) error {
	err := a.s.update(ctx, func(tx *bolt.Tx) error { return a.put(tx.Bucket(bucketAnswers), key, data, until) })
	if err != nil {
		return fmt.Errorf("keep an answer: %w", err)
	}
	return nil
}

// Forget removes a key; one that is not there is no fault.
func (a *Answers) Forget(ctx context.Context, key string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.count--
	err := a.s.update(ctx, func(tx *bolt.Tx) error { return tx.Bucket(bucketAnswers).Delete([]byte(key)) })
	if err != nil {
		return fmt.Errorf("forget an answer: %w", err)
	}
	return nil
}

func (a *Answers) put(b *bolt.Bucket, key string, data []byte, until time.Time) error {
	return b.Put([]byte(key), append(bigEndian(uint64(until.UnixMilli())), a.s.sealer.seal(purposeAnswer, key, string(data))...))
}

// full reports whether the key's owner has as many answers as are kept of one.
func (a *Answers) full(b *bolt.Bucket, key string) bool {
	owner, _, _ := strings.Cut(key, "/")
	prefix, own := []byte(owner+"/"), 0
	c := b.Cursor()
	for k, _ := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		if own++; own >= a.mostOfOwner {
			return true
		}
	}
	return false
}

// sweep removes the answers that are over and says how many are left.
func sweep(b *bolt.Bucket, now time.Time) (left int, err error) {
	var over [][]byte
	c := b.Cursor()
	for k, raw := c.First(); k != nil; k, raw = c.Next() {
		if expired(raw, now) {
			over = append(over, append([]byte(nil), k...))
			continue
		}
		left++
	}
	for _, k := range over {
		if err := b.Delete(k); err != nil {
			return 0, err
		}
	}
	return left, nil
}
