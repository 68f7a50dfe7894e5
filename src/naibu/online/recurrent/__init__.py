"""The nets it was compared with: fully recurrent (RTRL, BPTT), Elman's, and recurrent cascade-correlation."""
