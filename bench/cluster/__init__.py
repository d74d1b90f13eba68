"""Laneway's controller beside Argo Rollouts and Flagger, on one cluster (it needs the lab: `make lab`)"""
