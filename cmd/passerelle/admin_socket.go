package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// adminSocket is the name of the admin socket in the data directory.
const adminSocket = "admin.sock"

// maxSocketPath is the longest path that every system binds (sun_path of POSIX is at least 92 bytes, 108 on Linux).
const maxSocketPath = 90

// adminListener removes its socket at the end, unless a newer server has put its own in the place.
type adminListener struct {
	*net.UnixListener
	path string
	own  os.FileInfo
}

// Close closes the listener and removes the socket.
func (l *adminListener) Close() error {
	err := l.UnixListener.Close()
	if now, statErr := os.Lstat(l.path); statErr == nil && os.SameFile(now, l.own) {
		err = errors.Join(err, os.Remove(l.path))
	}
	return err
}

// listenAdmin opens the admin socket of a data directory for its owner alone. It takes the place of a socket that a
// server left behind; the caller holds the store, so no other server runs on the directory.
func listenAdmin(dataDir string) (net.Listener, error) {
	path := filepath.Join(dataDir, adminSocket)
	fail := func(err error) (net.Listener, error) { return nil, fmt.Errorf("admin socket %s: %w", path, err) }
	// Bound in a directory that only the owner can enter, closed to others, then moved: at no time can others connect.
	private, err := os.MkdirTemp(dataDir, ".admin-*")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(private)
	dir, err := os.Open(private)
	if err != nil {
		return fail(err)
	}
	defer dir.Close()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: socketPath(dir, "s")})
	if err != nil {
		return fail(err)
	}
	l.SetUnlinkOnClose(false) // it is about to move
	bound := filepath.Join(private, "s")
	var own os.FileInfo
	if err = os.Chmod(bound, 0o600); err == nil {
		if own, err = os.Lstat(bound); err == nil {
			err = os.Rename(bound, path)
		}
	}
	if err != nil {
		return fail(errors.Join(err, l.Close()))
	}
	return &adminListener{UnixListener: l, path: path, own: own}, nil
}

// socketPath names a socket in an open directory. A path too long for a socket address goes by the directory's
// descriptor, where the system has that.
func socketPath(dir *os.File, name string) string {
	path := filepath.Join(dir.Name(), name)
	if len(path) <= maxSocketPath {
		return path
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), name)
}
