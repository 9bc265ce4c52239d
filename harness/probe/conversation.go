package probe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/drainproof/drainproof/harness/wire"
)

// maxRequests bounds the requests of one conversation that are worked on at once.
const maxRequests = 1024

// conversation is one suite speaking to the probe.
type conversation struct {
	ended bool // guarded by the recorder's lock
}

// Converse serves one conversation and returns when the other end has closed it
// (nil), it broke, or ctx ended. It closes rw. Only one conversation may be open
// at a time; what is recorded while none is open waits for the next.
func (p *Probe) Converse(ctx context.Context, rw io.ReadWriteCloser) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &conversation{}
	var sender sync.WaitGroup

	sender.Go(func() {
		if err := p.send(c, rw); err != nil {
			p.log.Warn("the conversation takes no more messages", "error", err)
			cancel()
		}
	})
	received := make(chan error, 1)
	go func() { received <- p.receive(ctx, c, rw) }()
	var err error
	select {
	case err = <-received:
	case <-ctx.Done():
		// The reader ends when rw is closed, unless that is a terminal or the like,
		// which can't be made to give up a read; then only the process's end helps.
	}
	cancel()
	p.rec.end(c)
	_ = rw.Close() // also ends a write that is stuck
	sender.Wait()
	p.rec.purge()
	return err
}

func (p *Probe) receive(ctx context.Context, c *conversation, r io.Reader) error {
	lines := wire.NewLineReader(r)
	slots := make(chan struct{}, maxRequests)
	for {
		line, err := lines.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("probe: read a request: %w", err)
		}
		req, err := wire.DecodeRequest(line)
		if err != nil {
			if req.ID == 0 { // nobody to answer: the stream is not to be trusted any more
				return err
			}
			p.rec.reply(c, req.ID, nil, err)
			continue
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return nil
		}
		p.work.Go(func() {
			defer func() { <-slots }()
			result, err := p.handle(ctx, req)
			p.rec.reply(c, req.ID, result, err)
		})
	}
}

// send writes what is queued, flushing whenever nothing more waits. A message is
// taken from the queue only after it was flushed, so none is lost when the
// conversation breaks; the next one may see its last events twice, with the same
// numbers.
func (p *Probe) send(c *conversation, w io.Writer) error {
	out := bufio.NewWriterSize(w, 64<<10)
	for {
		batch := p.rec.batch(c, 256)
		if batch == nil {
			return nil
		}
		for _, q := range batch {
			line, err := wire.EncodeLine(q.msg)
			if err != nil { // a result that can't be sent; its caller must still be told
				line, err = wire.EncodeLine(wire.Message{ID: q.msg.ID, Error: err.Error()})
			}
			if err == nil {
				_, err = out.Write(line)
			}
			if err != nil {
				return err
			}
		}
		if err := out.Flush(); err != nil {
			return err
		}
		p.rec.sent(len(batch))
	}
}
