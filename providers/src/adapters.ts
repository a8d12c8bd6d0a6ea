/** Every adapter, one line each: the only place outside its own files that a new provider touches here. */
export { apollo } from './apollo';
export { dropcontact } from './dropcontact';
export { findymail } from './findymail';
export { hunter } from './hunter';
export { leadmagic } from './leadmagic';
export { lusha } from './lusha';
export { peopledatalabs } from './peopledatalabs';
export { prospeo } from './prospeo';
