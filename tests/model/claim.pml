/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device that two hold one after the other and never at once: etcd_store.c, plan.c, keep.c.
 *
 * Two claimers want one device.  etcd makes its key once, for who is first, and takes it away when the
 * lease is over.  A claimer counts the time of its lease from before it asked, so what it knows is never
 * more than what etcd grants; requests and answers take any time or are lost, in a partition that begins
 * and ends whenever it likes.  A claimer that is killed is started again, and knows what was on disk.
 * Time goes on for all alike, and never past the moment at which somebody has something to do: that a
 * fence takes less than its share of the lease is what its settings promise.
 *
 * Property: who uses the device is one at a time, and has the revision that was given out last.
 *
 * Each of these has to be found to break it:
 *	NO_CREATE_CHECK		a claim that is put without the condition that there is none
 *	LEASE_BY_ANSWER		a lease that is counted from when the answer came
 *	NO_FENCE		a claim that cannot be renewed and is used on
 *	LATE_FENCE		a fence that begins when the lease is over
 *	TIMEOUT_IS_CLAIM	a request without an answer taken for a claim
 *	RECORD_FORGOTTEN	one that is started again and does not know until when it may use the device
 *	CLOCK_SLEEPS		a clock that stands still while the machine sleeps
 */
#define TTL 3
#define FENCE 1			/* before the end a fence begins, and is over a moment later */
#define END 8			/* of time */
#define NOBODY 2

byte now;

/* etcd */
byte key = NOBODY;		/* whose it is */
byte key_until;			/* of its lease */
byte revision;

/* claimers */
bool uses[2];
byte until[2];			/* on disk: when the claim may be over */
byte token[2];
byte fence_ends[2];		/* 0: no fence */
byte pc[2];			/* 0: idle, 1: asked to claim, 2: has it, 3: asked to renew, 4: is fencing */
byte asked[2];			/* when it asked */
bool carried[2];		/* the request reached etcd */
bool granted[2];		/* and was granted */
byte slept[2];

#define CLOCK(i) (now - slept[i])
#ifdef LATE_FENCE
#define FENCE_AT(i) (until[i])
#else
#define FENCE_AT(i) (until[i] - FENCE)
#endif

/* Whether somebody has to act before time goes on. */
#ifdef NO_FENCE
#define due(i) (false)
#else
#define due(i) (uses[i] && ((pc[i] != 4 && CLOCK(i) >= FENCE_AT(i)) || (pc[i] == 4 && now >= fence_ends[i])))
#endif

inline carry_out(i)
{
	if
	:: pc[i] == 1 ->
#ifdef NO_CREATE_CHECK
		key = i; key_until = now + TTL; revision++; granted[i] = true;
#else
		if
		:: key == NOBODY -> key = i; key_until = now + TTL; revision++; granted[i] = true
		:: else -> granted[i] = false
		fi;
#endif
		token[i] = revision
	:: pc[i] == 3 ->
		if
		:: key == i && token[i] == revision -> key_until = now + TTL; granted[i] = true
		:: else -> granted[i] = false
		fi
	fi;
	carried[i] = true
}

proctype claimer(byte i)
{
	do
	/* asks */
	:: atomic { pc[i] == 0 && !uses[i] && now < END - TTL -> pc[i] = 1; asked[i] = CLOCK(i); carried[i] = false; granted[i] = false }
	:: atomic { pc[i] == 2 && !due(i) && now < END - TTL -> pc[i] = 3; asked[i] = CLOCK(i); carried[i] = false; granted[i] = false }
	/* etcd carries it out, once; or it never arrives */
	:: atomic { (pc[i] == 1 || pc[i] == 3) && !carried[i] -> carry_out(i) }
	/* the answer comes while it is of use */
	:: atomic { pc[i] == 1 && carried[i] ->
		if
#ifdef LEASE_BY_ANSWER
		:: granted[i] -> until[i] = CLOCK(i) + TTL; uses[i] = true; pc[i] = 2
#else
		:: granted[i] && CLOCK(i) < asked[i] + TTL - FENCE -> until[i] = asked[i] + TTL; uses[i] = true; pc[i] = 2
		:: granted[i] && CLOCK(i) >= asked[i] + TTL - FENCE -> pc[i] = 0
#endif
		:: !granted[i] -> pc[i] = 0
		fi }
	:: atomic { pc[i] == 3 && carried[i] && !due(i) ->
		if
#ifdef LEASE_BY_ANSWER
		:: granted[i] -> until[i] = CLOCK(i) + TTL; pc[i] = 2
#else
		:: granted[i] -> until[i] = asked[i] + TTL; pc[i] = 2
#endif
		/* what is somebody else's is fenced at once */
		:: !granted[i] -> pc[i] = 4; fence_ends[i] = now
		fi }
	/* it does not come */
	:: atomic { pc[i] == 1 ->
#ifdef TIMEOUT_IS_CLAIM
		until[i] = asked[i] + TTL; uses[i] = true; pc[i] = 2
#else
		pc[i] = 0
#endif
		}
	:: atomic { pc[i] == 3 -> pc[i] = 2 }
#ifndef NO_FENCE
	/* too late to be renewed: a fence, which takes less than FENCE */
	:: atomic { uses[i] && pc[i] != 4 && CLOCK(i) >= FENCE_AT(i) -> pc[i] = 4; fence_ends[i] = now }
	:: atomic { pc[i] == 4 -> uses[i] = false; pc[i] = 0; fence_ends[i] = 0 }
#endif
	/* killed and started again: what is on disk counts */
	:: atomic { uses[i] && (pc[i] == 2 || pc[i] == 3) ->
#ifdef RECORD_FORGOTTEN
		until[i] = CLOCK(i) + TTL;
#endif
		pc[i] = 2 }
	:: now == END -> break
	od
}

proctype clock()
{
	do
	:: atomic { now < END && !due(0) && !due(1) && !(key != NOBODY && key_until <= now) ->
#ifdef CLOCK_SLEEPS
		if
		:: slept[0] < 2 -> slept[0]++
		:: true
		fi;
#endif
		now++ }
	/* etcd ends a lease some time after it is over, and not before */
	:: atomic { key != NOBODY && key_until <= now -> key = NOBODY }
	:: atomic { now == END && (key == NOBODY || key_until > now) -> break }
	od
}

init { atomic { run claimer(0); run claimer(1); run clock() } }

active proctype observer()
{
end:	atomic {
		(uses[0] && uses[1]) || (uses[0] && key == 1) || (uses[1] && key == 0) -> assert(false)
	}
}
