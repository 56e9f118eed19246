// What the bundlers are given: a page that uses the module as any page does.

import { connect } from "../../../../www/headcount.js";

const { bundler } = document.documentElement.dataset;
connect().login(`${bundler}, by itself`);
connect("/ws").login(`${bundler}, told where`);
