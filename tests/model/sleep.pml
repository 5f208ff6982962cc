/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Going to sleep without missing a buffer: worker.c, forwarder.c, virtq_split.c, virtq_packed.c.
 *
 * A driver adds a buffer, then looks whether the device wants a kick.  The device says that
 * it wants kicks, then looks for buffers.  Each has a full barrier between its store and its
 * load.  A store waits in a buffer of its processor and is seen by the other side some time
 * later (TSO); a barrier waits until the buffer is empty.  What a barrier is replaced by in
 * a mutation is what stronger processors than the model's allow as well.
 *
 * The worker asks one ring after the other, and does not sleep when one of them has
 * something; a kick that comes before it sleeps ends its sleep at once (epoll).
 *
 * Property: whenever nothing can go on, no ring has a buffer that was not taken.
 *
 * Each of these has to be found to break it:
 *	NO_DEVICE_BARRIER	kick_enable() without its fence
 *	NO_DRIVER_BARRIER	a driver without one
 *	NO_SECOND_LOOK		kick_enable() that does not look at the ring
 *	KICKS_FORGOTTEN		a worker that drops what was signalled when it goes to sleep
 */
#define RINGS 2
#define BUFFERS 2

byte added[RINGS];		/* available index in memory */
bool wanted[RINGS];		/* the device's wish in memory */
bool kicked;			/* epoll has something to tell */
byte taken[RINGS];		/* the worker's own */

/* Stores that are on their way. */
chan driver_stores[RINGS] = [2] of { byte };
chan device_stores = [4] of { byte, bool };

active [RINGS] proctype driver_memory()
{
	byte ring = _pid;
	byte value;

end:	do
	:: atomic { driver_stores[ring] ? value -> added[ring] = value }
	od
}

active proctype device_memory()
{
	byte ring;
	bool value;

end:	do
	:: atomic { device_stores ? ring, value -> wanted[ring] = value }
	od
}

proctype driver(byte ring)
{
	byte count = 0;

	do
	:: count < BUFFERS ->
		count++;
		driver_stores[ring] ! count;
#ifndef NO_DRIVER_BARRIER
		empty(driver_stores[ring]);
#endif
		if
		:: wanted[ring] -> kicked = true
		:: else
		fi
	:: else -> break
	od
}

proctype worker()
{
	byte ring;
	bool found;

poll:	ring = 0;
	do
	:: ring < RINGS -> taken[ring] = added[ring]; ring++
	:: else -> break
	od;

	/* enable_kicks() */
	found = false;
	ring = 0;
	do
	:: ring < RINGS ->
		device_stores ! ring, true;
#ifndef NO_DEVICE_BARRIER
		empty(device_stores);
#endif
#ifndef NO_SECOND_LOOK
		found = found || added[ring] != taken[ring];
#endif
		ring++
	:: else -> break
	od;

	if
	:: found
	:: else ->
#ifdef KICKS_FORGOTTEN
		kicked = false;
#endif
end_sleep:	atomic { kicked -> kicked = false }
	fi;

	/* disable_kicks() */
	ring = 0;
	do
	:: ring < RINGS -> device_stores ! ring, false; ring++
	:: else -> break
	od;
	goto poll
}

init
{
	atomic {
		byte ring = 0;
		do
		:: ring < RINGS -> run driver(ring); ring++
		:: else -> break
		od;
		run worker()
	}
}

active proctype observer()
{
	timeout;
	assert(added[0] == taken[0] && added[1] == taken[1])
}
