package cli

import (
	"context"
	"io"
	"path/filepath"
	"runtime"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/sign"
	"github.com/gosklyuch/gosklyuch/token/pkcs11"
)

// signableTogether reports whether the files may be signed at the same time. A token
// has one key that signs one thing at a time and may ask for its PIN; above
// level bes the user sees what the authorities answer file by file; and a file
// that an earlier signature replaces has to wait for it.
func signableTogether(s *sign.Signer, key string, files []string, outs []output) bool {
	if len(files) < 2 || s.Level != sign.LevelBES || pkcs11.IsURI(key) {
		return false
	}
	inputs := make(map[string]bool, len(files))
	for _, file := range files {
		if file == "-" {
			return false
		}
		inputs[filepath.Clean(file)] = true
	}
	for _, o := range outs {
		if inputs[filepath.Clean(o.path)] || o.isDevice() {
			return false
		}
	}
	return true
}

// A signing is one file of several on its way.
type signing struct {
	file string
	out  output
	done chan struct{}

	// The fields below are set when done is closed.

	staged *staged
	err    error
}

// eachAtOnce signs the files, as many at once as there are processors, and calls
// finished with each in the order of files once its signature has its name.
// After an error no later file has a signature.
//
// What takes long with small files is the disk: a signature is on it before it
// gets its name. That happens to limits.SignWindow files at once, which a disk
// does in little more time than one.
func (a *app) eachAtOnce(ctx context.Context, s *sign.Signer, files []string, outs []output, format string, finished func(i int)) (int, error) {
	defer relaxGC()()
	ctx, stop := context.WithCancel(ctx)
	queue := make(chan *signing, limits.SignWindow)
	go a.startSignings(ctx, s, files, outs, format, queue)
	defer func() {
		stop()
		for j := range queue {
			<-j.done
			j.staged.drop()
		}
	}()
	for i := range files {
		j, ok := <-queue
		if !ok {
			return i, ctx.Err()
		}
		<-j.done
		if j.err == nil {
			j.err = j.staged.commit()
		}
		if j.err != nil {
			return i, j.err
		}
		finished(i)
	}
	return len(files), nil
}

// startSignings hands the files out in order, until ctx ends, to as many workers
// as there are processors, and to queue for whoever waits for them. A signed
// file leaves its worker before it is on the disk.
func (a *app) startSignings(ctx context.Context, s *sign.Signer, files []string, outs []output, format string, queue chan<- *signing) {
	defer close(queue)
	work := make(chan *signing)
	defer close(work)
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		go func() {
			for j := range work {
				j.staged, j.err = a.signStaged(ctx, j, format, s.Sign)
				go j.finish()
			}
		}()
	}
	for i, file := range files {
		if ctx.Err() != nil {
			return
		}
		j := &signing{file: file, out: outs[i], done: make(chan struct{})}
		queue <- j
		work <- j
	}
}

// finish brings a signed file to the disk.
func (j *signing) finish() {
	defer close(j.done)
	if j.err == nil {
		j.err = j.staged.sync()
	}
}

// signStaged signs one file into a file that has not its name yet.
func (a *app) signStaged(ctx context.Context, j *signing, format string, do func(context.Context, io.Writer, io.Reader) error) (*staged, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	doc, err := a.openPlain(j.file)
	if err != nil {
		return nil, err
	}
	defer doc.Close() //nolint:errcheck // opened for reading
	return j.out.stage(func(w io.Writer) error {
		return armored(w, format, func(w io.Writer) error { return do(ctx, w, doc) })
	})
}
