package probe

import (
	"context"
	"errors"
	"io"
	"log/slog"
)

// Stdio serves one conversation and stops everything when it ends, as when the
// suite that started this process has died.
func Stdio(ctx context.Context, log *slog.Logger, in io.ReadCloser, out io.WriteCloser) error {
	p := New(log)
	defer p.Close()
	return p.Converse(ctx, duplex{in, out})
}

type duplex struct {
	io.ReadCloser
	w io.WriteCloser
}

func (d duplex) Write(b []byte) (int, error) { return d.w.Write(b) }
func (d duplex) Close() error                { return errors.Join(d.ReadCloser.Close(), d.w.Close()) }
