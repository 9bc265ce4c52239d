package process

import (
	"context"
	"errors"
	"fmt"

	"github.com/drainproof/drainproof/harness/runtime"
	"github.com/drainproof/drainproof/harness/runtime/logtail"
	"github.com/drainproof/drainproof/harness/target"
)

// Exec implements runtime.Pod: as a process with the gateway's environment and
// working directory.
func (p *pod) Exec(ctx context.Context, program target.Program) error {
	if len(program.Process) == 0 {
		return errors.New("the target names no command for processes")
	}
	if err := p.usable(); err != nil {
		return err
	}
	said := logtail.New()
	out, errs := said.Writer(), said.Writer()
	args := p.resolved.Command(program.Process)
	cmd := p.command(args, workdir(p.resolved.Target), p.resolved.Environment())
	cmd.Stdout, cmd.Stderr = out, errs
	l, err := p.spawner.launch(cmd, out, errs)
	if err != nil {
		return err
	}
	select {
	case <-l.ended:
		return runtime.ExecError(args, l.code, said.Last(5))
	case <-ctx.Done():
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupLimit)
		defer cancel()
		return errors.Join(fmt.Errorf("%q did not end: %w", args, ctx.Err()), l.kill(within))
	}
}
