"""Versions that anybody registered: found, checked in a process of their own, admitted or refused."""
