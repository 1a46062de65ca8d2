package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// New makes a server with bounded times and headers: a client that sends or
// reads slowly holds a connection for 30 s at most.
func New(h http.Handler, log *slog.Logger) *http.Server {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    128 << 10, // room for a GET with an OCSP request of 64 KiB
		ErrorLog:          slog.NewLogLogger(discardAddresses{log.Handler()}, slog.LevelWarn),
	}
}

// discardAddresses keeps net/http's own messages, which begin with what
// failed and contain the address of the client, down to the fact.
type discardAddresses struct{ slog.Handler }

// Handle replaces the message.
func (d discardAddresses) Handle(ctx context.Context, r slog.Record) error {
	return d.Handler.Handle(ctx, slog.NewRecord(r.Time, r.Level, "http: a connection failed", r.PC))
}

// Serve runs s on l until ctx is done, then lets requests that are under way
// finish for at most grace and returns nil, or the error that ended it.
func Serve(ctx context.Context, s *http.Server, l net.Listener, grace time.Duration) error {
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("server: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := s.Shutdown(stop); err != nil {
		return errors.Join(fmt.Errorf("server: requests were cut off: %w", err), s.Close())
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("server: %w", err)
	}
	return nil
}
