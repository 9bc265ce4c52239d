package probe

import (
	"context"
	"os"
	"testing"
	"time"
)

// A walk that is under way is told of as far as it has come, and the rest of it later.
func TestDoorway(t *testing.T) {
	var d doorway
	if lost := d.take(now()); lost != 0 {
		t.Errorf("%s were lost before anybody walked", lost)
	}
	under, through, over := make(chan struct{}), make(chan struct{}), make(chan error)
	began := now()
	go func() {
		over <- d.walk(func() error { close(under); <-through; return os.ErrPermission })
	}()
	<-under
	at := now().Add(time.Second)
	first := d.take(at)
	if first < time.Second || first > at.Sub(began) {
		t.Errorf("%s are lost of %s", first, at.Sub(began))
	}
	if lost := d.take(at); lost != 0 {
		t.Errorf("%s are told again", lost)
	}
	close(through)
	if err := <-over; err != os.ErrPermission {
		t.Errorf("the walk came to %v", err)
	}
	if d.began != 0 {
		t.Error("the walk is under way for ever")
	}
}

func TestDoorwayOfAProcess(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var d doorway
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.stand(ctx, ownProc.of(os.Getpid()), nil)
	}()
	for d.take(now()) == 0 {
		if ctx.Err() != nil {
			t.Fatal("nobody walked")
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	<-ended
}
