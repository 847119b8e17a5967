//go:build !(linux && (amd64 || arm64))

package media

func newRelayPoller(Conn) relayPoller { return newTimedPoller() }
