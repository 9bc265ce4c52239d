package probe

import (
	"sync"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// progressEvery thins the progress of a stream.
const progressEvery = 50 * time.Millisecond

// progress thins the arrival of tokens without ever losing the last one: what
// arrives too soon after what was recorded is recorded when its time has come,
// with the stamps of its arrival.
type progress struct {
	record func(bytes int, call, ret history.Stamp)

	mu        sync.Mutex
	recorded  time.Time
	timer     *time.Timer // set: something waits
	bytes     int
	call, ret history.Stamp
	over      bool
}

// at tells of an arrival, after which so many bytes have arrived in total.
func (p *progress) at(bytes int, call, ret history.Stamp) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bytes, p.call, p.ret = bytes, call, ret
	if p.timer != nil || p.over {
		return
	}
	if wait := progressEvery - time.Since(p.recorded); wait > 0 {
		p.timer = time.AfterFunc(wait, p.due)
		return
	}
	p.write()
}

func (p *progress) due() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer = nil
		p.write()
	}
}

// flush records what waits; nothing is recorded after it.
func (p *progress) flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
		p.write()
	}
}

func (p *progress) write() {
	p.recorded = time.Now()
	p.record(p.bytes, p.call, p.ret)
}
