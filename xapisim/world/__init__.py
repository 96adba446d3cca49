"""Worlds: the pools a simulator starts with, read from a description or from a real pool's
database.
"""
