package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// hookTime is how long the hook may take for one certificate.
const hookTime = time.Minute

// remind runs the hook for the certificates of which no notice was sent yet for
// the number of days that is reached. What was sent is noted at once, so that a
// run that is stopped repeats one notice at most.
func (a *app) remind(ctx context.Context, e expiry, list []expiringCert) error {
	path := e.sent
	if path == "" {
		home, err := a.homeDir()
		if err != nil {
			return err
		}
		path = filepath.Join(home, "expiry.jsonl")
	}
	notices, err := openNotices(path, a.now())
	if err != nil {
		return err
	}
	defer notices.close()
	failed := 0
	for _, x := range list {
		if notices.sent(x) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := a.runHook(ctx, e.hook, x); err != nil {
			failed++
			a.warnf(text{"%s: напоминание не отправлено: %v", "%s: no reminder was sent: %v"}, x.Serial, err)
			continue
		}
		if err := notices.note(x, a.now()); err != nil {
			return err
		}
	}
	if failed > 0 {
		return failedf(text{"не отправлено напоминаний: %d", "reminders that were not sent: %d"}, failed).
			withHint(text{"они будут отправлены при следующем запуске", "the next run sends them"})
	}
	return nil
}

// runHook runs the hook for one certificate. It is run itself and not through a
// shell, and gets no part of the certificate as an argument or in its
// environment but its number, its end and the days: a subject may hold any
// character.
func (a *app) runHook(ctx context.Context, hook string, x expiringCert) error {
	in, err := json.Marshal(x)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, hookTime)
	defer cancel()
	c := exec.CommandContext(ctx, hook)
	c.Env = append(hookEnv(os.Environ()),
		"GOSKLYUCH_SERIAL="+x.Serial, "GOSKLYUCH_NOT_AFTER="+x.NotAfter,
		"GOSKLYUCH_DAYS_LEFT="+strconv.Itoa(x.DaysLeft), "GOSKLYUCH_DAYS="+strconv.Itoa(x.Days))
	c.Stdin = bytes.NewReader(append(in, '\n'))
	c.Stdout, c.Stderr = a.err, a.err
	c.WaitDelay = 5 * time.Second // what the hook started may keep its output open
	endTogether(c)
	return c.Run()
}

// hookEnv is the environment without this program's own variables: passwords and
// PINs stand there.
func hookEnv(env []string) []string {
	var out []string
	for _, v := range env {
		if !strings.HasPrefix(strings.ToUpper(v), "GOSKLYUCH_") {
			out = append(out, v)
		}
	}
	return out
}
