"""Statements: queries that run on their own and put their results aside."""
