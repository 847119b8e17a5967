package web_test

import (
	"os/exec"
	"syscall"
)

// withUs has the system end a process when the tests are killed.
func withUs(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
