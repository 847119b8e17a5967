package store

import (
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// The buckets and what their keys are.
var (
	bucketMeta     = []byte("meta")     // the keys below
	bucketSites    = []byte("sites")    // domain → siteRecord
	bucketUsers    = []byte("users")    // Ref, big endian → userRecord
	bucketBindings = []byte("bindings") // AOR, NUL, ID → sip.Binding
	bucketAccounts = []byte("accounts") // ID → accountRecord
	bucketSessions = []byte("sessions") // hash of the token → expiry, Unix milliseconds big endian, and the session's data
	bucketWaiting  = []byte("waiting")  // AOR → body of message-summary (RFC 3842)

	bucketAssociations = []byte("associations") // Ref of the host, big endian → associationRecord
	bucketPhones       = []byte("phones")       // MAC address → phoneRecord
	bucketGuests       = []byte("guests")       // Ref of the guest, big endian → Ref of the host
	bucketAllowed      = []byte("allowed")      // range of addresses → directory.AllowedSource
	bucketAudit        = []byte("audit")        // ID, big endian → audit.Entry

	bucketEvents   = []byte("events")   // number, big endian → event
	bucketTokens   = []byte("tokens")   // ID → directory.APIToken
	bucketAnswers  = []byte("answers")  // hash of caller and idempotency key → expiry, Unix milliseconds big endian, and a sealed answer
	bucketWebhooks = []byte("webhooks") // ID → webhookRecord
	bucketCursors  = []byte("cursors")  // ID of the webhook → number of the last event that it got, big endian
)

// The keys of the meta bucket.
var (
	keySchema     = []byte("schema")     // number of migrations done, big endian
	keyCheck      = []byte("check")      // a sealed word that proves the key
	keyEnterprise = []byte("enterprise") // name
	keyLastRef    = []byte("last_ref")   // the greatest Ref ever given, big endian
	keyEventLog   = []byte("event_log")  // name of the event log
)

// migrations take a file from each schema to the next. The list only grows: a file's schema is the
// number of migrations it has seen.
var migrations = []func(*bolt.Tx) error{createBuckets, createPortalBuckets, createWaiting, createAssociations, createPhones, createAudit, createEvents, createAllowed, createTokens}

// migrate runs the migrations that the file has not seen, in the caller's transaction.
func migrate(tx *bolt.Tx) error {
	meta, err := tx.CreateBucketIfNotExists(bucketMeta)
	if err != nil {
		return fmt.Errorf("make bucket meta: %w", err)
	}
	done := number(meta.Get(keySchema))
	if done > uint64(len(migrations)) {
		return fmt.Errorf("schema %d, this version knows %d: %w", done, len(migrations), ErrNewerSchema)
	}
	if done == uint64(len(migrations)) {
		return nil
	}
	for i, m := range migrations[done:] {
		if err := m(tx); err != nil {
			return fmt.Errorf("migrate to schema %d: %w", int(done)+i+1, err)
		}
	}
	return meta.Put(keySchema, bigEndian(uint64(len(migrations))))
}

func createBuckets(tx *bolt.Tx) error {
	return create(tx, bucketSites, bucketUsers, bucketBindings)
}

func createPortalBuckets(tx *bolt.Tx) error { return create(tx, bucketAccounts, bucketSessions) }

func create(tx *bolt.Tx, names ...[]byte) error {
	for _, name := range names {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return fmt.Errorf("make bucket %s: %w", name, err)
		}
	}
	return nil
}

func createWaiting(tx *bolt.Tx) error {
	if _, err := tx.CreateBucketIfNotExists(bucketWaiting); err != nil {
		return fmt.Errorf("make bucket %s: %w", bucketWaiting, err)
	}
	return nil
}

// bigEndian writes a number so that keys sort by it.
func bigEndian(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// number reads what bigEndian wrote; absent is zero.
func number(b []byte) uint64 {
	if len(b) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}
